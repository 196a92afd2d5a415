using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<Ext4Collection>]
public sealed class OverlayOnExt4Tests(Ext4FileSystem fileSystem) : OverlayLifeCycle(fileSystem);
