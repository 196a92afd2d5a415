namespace Lamina.Linux;

/// <summary>One thread of a process.</summary>
/// <param name="Id">Its number; the first thread has that of the process.</param>
/// <param name="State">As <see cref="ProcessStatus.State"/>.</param>
public readonly record struct ThreadStatus(int Id, char State);
