using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>An overlay2 pool on ext4.</summary>
[Collection<Ext4Collection>]
[PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Directory | PoolTraits.OwnSpace | PoolTraits.Images)]
public sealed class OverlayPoolOnExt4Tests(Ext4FileSystem fileSystem) : PoolSpecification
{
    protected override async Task<ScratchPool> CreatePoolAsync() => await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, fileSystem.NewDirectory("pool"));
}
