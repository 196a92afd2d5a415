using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<BtrfsCollection>]
public sealed class FlushCountOnBtrfsTests(BtrfsFileSystem fileSystem) : FlushCountTests(() => fileSystem.NewDirectory("pool"), PoolBackend.Overlay2);
