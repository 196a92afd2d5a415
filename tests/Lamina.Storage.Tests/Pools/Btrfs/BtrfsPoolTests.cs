using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>A btrfs pool in a directory, without quotas.</summary>
[Collection<BtrfsCollection>]
[PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Directory | PoolTraits.OwnSpace | PoolTraits.Images | PoolTraits.Compression | PoolTraits.CompressionPerFile)]
public sealed class BtrfsPoolTests(BtrfsFileSystem fileSystem) : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"));
}
