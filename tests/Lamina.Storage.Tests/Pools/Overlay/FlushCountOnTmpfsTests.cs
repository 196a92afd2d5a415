using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>A filesystem of which nothing is known about the order of its metadata.</summary>
public sealed class FlushCountOnTmpfsTests(TmpfsFileSystem fileSystem)
    : FlushCountTests(() => fileSystem.NewDirectory("pool"), PoolBackend.Overlay2), IClassFixture<TmpfsFileSystem>;
