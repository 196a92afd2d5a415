using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Bind;

/// <summary>Host directories as volumes.</summary>
[PoolHas(PoolTraits.Directory)]
public sealed class BindPoolTests : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await BindScratchPool.CreateAsync();
}
