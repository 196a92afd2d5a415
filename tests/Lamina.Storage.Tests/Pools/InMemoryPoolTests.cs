using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools;

/// <summary>The pool of tests that need no real one.</summary>
[PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Compression)]
public sealed class InMemoryPoolTests : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await InMemoryScratchPool.CreateAsync();
}
