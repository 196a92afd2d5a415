using Lamina.Storage.Pools;
using Lamina.Testing.Pools;

namespace Lamina.Guest.Tests;

/// <summary>An overlay2 pool on XFS with project quotas.</summary>
[Collection<XfsQuotaCollection>]
[PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Directory | PoolTraits.OwnSpace | PoolTraits.Images | PoolTraits.HardLimits)]
public sealed class OverlayPoolOnXfsQuotaTests(XfsQuotaFileSystem fileSystem) : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, fileSystem.NewDirectory("pool"));
}
