namespace Lamina.Storage.Pauses;

/// <summary>A mount whose filesystem is frozen.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Device">The filesystem's device number, by which it is told from what may be mounted there later.</param>
internal sealed record FrozenMount(string Path, ulong Device);
