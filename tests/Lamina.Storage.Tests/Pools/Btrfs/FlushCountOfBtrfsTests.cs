using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Btrfs;

[Collection<BtrfsCollection>]
public sealed class FlushCountOfBtrfsTests(BtrfsFileSystem fileSystem) : FlushCountTests(() => fileSystem.NewDirectory("pool"), PoolBackend.Btrfs);
