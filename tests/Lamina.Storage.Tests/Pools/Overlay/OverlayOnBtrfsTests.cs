using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<BtrfsCollection>]
public sealed class OverlayOnBtrfsTests(BtrfsFileSystem fileSystem) : OverlayLifeCycle(fileSystem);
