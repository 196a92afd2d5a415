using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<XfsCollection>]
public sealed class OverlayOnXfsTests(XfsFileSystem fileSystem) : OverlayLifeCycle(fileSystem);
