using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]

namespace Lamina.Storage.Tests;

[CollectionDefinition]
public sealed class Ext4Collection : ICollectionFixture<Ext4FileSystem>;

[CollectionDefinition]
public sealed class XfsCollection : ICollectionFixture<XfsFileSystem>;

[CollectionDefinition]
public sealed class BtrfsCollection : ICollectionFixture<BtrfsFileSystem>;
