namespace Lamina.Storage.Pools;

/// <summary>An object whose record can't be read: kept, reported, and nothing in its pool is swept meanwhile.</summary>
/// <param name="Path">The record, relative to the pool.</param>
/// <param name="IsSnapshot">A snapshot's, or a volume's.</param>
/// <param name="Key">The key under which it lies; null when the name is not a key at all.</param>
/// <param name="Reason">What is wrong with it, for the person who mends it.</param>
public sealed record UnreadableRecord(string Path, bool IsSnapshot, ObjectKey? Key, string Reason);
