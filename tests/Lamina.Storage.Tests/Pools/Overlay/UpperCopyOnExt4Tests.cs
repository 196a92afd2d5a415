using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

[Collection<Ext4Collection>]
public sealed class UpperCopyOnExt4Tests(Ext4FileSystem fileSystem) : UpperCopyTests(fileSystem);
