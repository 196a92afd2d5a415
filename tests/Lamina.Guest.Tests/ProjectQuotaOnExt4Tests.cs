namespace Lamina.Guest.Tests;

[Collection<Ext4QuotaCollection>]
public sealed class ProjectQuotaOnExt4Tests(Ext4QuotaFileSystem fileSystem) : ProjectQuotaTests(fileSystem);
