using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]

namespace Lamina.Linux.Tests;

[CollectionDefinition]
public sealed class Ext4Collection : ICollectionFixture<Ext4FileSystem>;

[CollectionDefinition]
public sealed class XfsCollection : ICollectionFixture<XfsFileSystem>;

[CollectionDefinition]
public sealed class BtrfsCollection : ICollectionFixture<BtrfsFileSystem>;

[CollectionDefinition]
public sealed class BtrfsQuotaCollection : ICollectionFixture<BtrfsQuotaFileSystem>;
