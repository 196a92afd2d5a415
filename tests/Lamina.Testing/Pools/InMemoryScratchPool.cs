using Lamina.Storage.Pools;

namespace Lamina.Testing.Pools;

/// <summary>A pool in memory.</summary>
public sealed class InMemoryScratchPool : ScratchPool
{
    private readonly InMemoryStore _store = new();

    private InMemoryScratchPool()
    {
    }

    /// <summary>Makes a pool and opens it.</summary>
    public static async Task<InMemoryScratchPool> CreateAsync()
    {
        var pool = new InMemoryScratchPool();
        await pool.OpenAsync();
        return pool;
    }

    /// <inheritdoc/>
    public override IPool OpenAnother() => new InMemoryPool(_store);
}
