using System.Collections.Concurrent;
using Lamina.Storage;

namespace Lamina.Testing.Pools;

/// <summary>What an <see cref="InMemoryPool"/> keeps over a restart: records, each with the directory of its data.</summary>
public sealed class InMemoryStore
{
    /// <summary>The pool's identity.</summary>
    public PoolId Id { get; } = PoolId.NewRandom();

    /// <summary>The volumes.</summary>
    public ConcurrentDictionary<ObjectKey, (Volume Volume, string Data)> Volumes { get; } = [];

    /// <summary>The snapshots.</summary>
    public ConcurrentDictionary<ObjectKey, (Snapshot Snapshot, string Data)> Snapshots { get; } = [];

    /// <summary>Held by the one pool that is open on it.</summary>
    public SemaphoreSlim OnePool { get; } = new(1, 1);
}
