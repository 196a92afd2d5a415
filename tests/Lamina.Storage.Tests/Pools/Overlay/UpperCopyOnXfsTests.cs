using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<XfsCollection>]
public sealed class UpperCopyOnXfsTests(XfsFileSystem fileSystem) : UpperCopyTests(fileSystem);
