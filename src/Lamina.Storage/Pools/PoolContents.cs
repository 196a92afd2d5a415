using System.Collections.Immutable;

namespace Lamina.Storage.Pools;

/// <summary>What a pool held when it was loaded.</summary>
/// <param name="Volumes">Every volume with a readable record.</param>
/// <param name="Snapshots">Every snapshot with a readable record.</param>
/// <param name="Unreadable">Objects that are there but whose record can't be read. They are kept, and block their keys.</param>
public sealed record PoolContents(
    ImmutableList<Volume> Volumes,
    ImmutableList<Snapshot> Snapshots,
    ImmutableList<UnreadableRecord> Unreadable);
