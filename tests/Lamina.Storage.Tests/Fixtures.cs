using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]
[assembly: AssemblyFixture(typeof(OtherMountNamespace))]

// Some tests make mount namespaces of their own. Such a namespace holds a copy of every mount, other tests' too, which are then in use until it ends.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Lamina.Storage.Tests;

[CollectionDefinition]
public sealed class Ext4Collection : ICollectionFixture<Ext4FileSystem>;

[CollectionDefinition]
public sealed class XfsCollection : ICollectionFixture<XfsFileSystem>;

[CollectionDefinition]
public sealed class BtrfsCollection : ICollectionFixture<BtrfsFileSystem>;

[CollectionDefinition]
public sealed class BtrfsQuotaCollection : ICollectionFixture<BtrfsQuotaFileSystem>;

[CollectionDefinition]
public sealed class GroupsCollection : ICollectionFixture<Ext4FileSystem>, ICollectionFixture<XfsFileSystem>, ICollectionFixture<BtrfsFileSystem>;

[CollectionDefinition]
public sealed class ZfsCollection : ICollectionFixture<ZfsFileSystem>;
