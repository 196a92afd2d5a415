using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<XfsCollection>]
public sealed class FlushCountOnXfsTests(XfsFileSystem fileSystem) : FlushCountTests(() => fileSystem.NewDirectory("pool"), PoolBackend.Overlay2);
