using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<Ext4Collection>]
public sealed class FlushCountOnExt4Tests(Ext4FileSystem fileSystem) : FlushCountTests(() => fileSystem.NewDirectory("pool"), PoolBackend.Overlay2);
