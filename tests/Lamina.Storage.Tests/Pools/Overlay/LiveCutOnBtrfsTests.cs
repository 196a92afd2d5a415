using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<BtrfsCollection>]
public sealed class LiveCutOnBtrfsTests(BtrfsFileSystem fileSystem) : LiveCutTests(fileSystem);
