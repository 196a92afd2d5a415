using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>A zfs pool.</summary>
[Collection<ZfsCollection>]
[PoolHas(PoolTraits.Snapshots | PoolTraits.HardLimits | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.OwnSpace | PoolTraits.Compression, onOpenZfs: PoolTraits.Images)]
public sealed class ZfsPoolTests(ZfsFileSystem fileSystem) : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await ZfsScratchPool.CreateAsync(fileSystem);
}
