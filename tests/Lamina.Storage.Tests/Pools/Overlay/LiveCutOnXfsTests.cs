using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<XfsCollection>]
public sealed class LiveCutOnXfsTests(XfsFileSystem fileSystem) : LiveCutTests(fileSystem);
