using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<BtrfsCollection>]
public sealed class UpperCopyOnBtrfsTests(BtrfsFileSystem fileSystem) : UpperCopyTests(fileSystem);
