using Lamina.Linux;
using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]
[assembly: AssemblyFixture(typeof(OtherMountNamespace))]

// Some tests make mount namespaces of their own. Such a namespace holds a copy of every mount, other tests' too, which are then in use until it ends.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Lamina.Guest.Tests;

/// <summary>A scratch XFS with project quotas.</summary>
public sealed class XfsQuotaFileSystem() : ScratchFileSystem(FileSystemKind.Xfs, projectQuotas: true);

/// <summary>A scratch ext4 with project quotas.</summary>
public sealed class Ext4QuotaFileSystem() : ScratchFileSystem(FileSystemKind.Ext4, projectQuotas: true);

[CollectionDefinition]
public sealed class XfsQuotaCollection : ICollectionFixture<XfsQuotaFileSystem>;

[CollectionDefinition]
public sealed class Ext4QuotaCollection : ICollectionFixture<Ext4QuotaFileSystem>;
