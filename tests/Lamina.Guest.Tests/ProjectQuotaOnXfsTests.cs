namespace Lamina.Guest.Tests;

[Collection<XfsQuotaCollection>]
public sealed class ProjectQuotaOnXfsTests(XfsQuotaFileSystem fileSystem) : ProjectQuotaTests(fileSystem);
