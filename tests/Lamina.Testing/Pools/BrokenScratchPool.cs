using Lamina.Storage.Pools;

namespace Lamina.Testing.Pools;

/// <summary>A pool that is wrong in one way.</summary>
public sealed class BrokenScratchPool : ScratchPool
{
    private readonly InMemoryStore _store = new();
    private readonly Breakage _breakage;

    private BrokenScratchPool(Breakage breakage) => _breakage = breakage;

    /// <summary>Makes a pool and opens it.</summary>
    public static async Task<BrokenScratchPool> CreateAsync(Breakage breakage)
    {
        var pool = new BrokenScratchPool(breakage);
        await pool.OpenAsync();
        return pool;
    }

    /// <inheritdoc/>
    public override IPool OpenAnother() => new BrokenPool(_store, _breakage);
}
