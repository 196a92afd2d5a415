using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>A btrfs pool with simple quotas.</summary>
[Collection<BtrfsQuotaCollection>]
[PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Directory | PoolTraits.OwnSpace | PoolTraits.Images | PoolTraits.Compression | PoolTraits.CompressionPerFile | PoolTraits.HardLimits)]
public sealed class BtrfsQuotaPoolTests(BtrfsQuotaFileSystem fileSystem) : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"), simpleQuota: true);
}
