using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<Ext4Collection>]
public sealed class LiveCutOnExt4Tests(Ext4FileSystem fileSystem) : LiveCutTests(fileSystem);
