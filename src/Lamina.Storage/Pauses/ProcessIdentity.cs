namespace Lamina.Storage.Pauses;

/// <summary>A process that can't be mistaken for another that gets its number later.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="StartTime">When it was started, in clock ticks after boot.</param>
internal readonly record struct ProcessIdentity(int Pid, ulong StartTime);
