using Lamina.Admin;
using Lamina.Linux;

namespace Lamina.Tests.Admin;

public sealed class DaemonChecksTests
{
    private const string Container = """
        100 90 0:40 / / ro,relatime - overlay overlay rw
        101 100 0:5 / /dev rw - devtmpfs devtmpfs rw
        102 100 8:1 /run/lamina /run/lamina rw shared:7 - ext4 /dev/sda1 rw
        103 100 8:1 /srv /run/lamina-private rw - ext4 /dev/sda1 rw

        """;

    [Theory]
    [InlineData(true, "/elsewhere", true)]
    [InlineData(false, "/run/lamina", true)]
    [InlineData(false, "/run/lamina/deeper", true)]
    [InlineData(false, "/run/lamina-private", false)]
    [InlineData(false, "/elsewhere", false)]
    public void MountNamespace_OfAContainer_IsWellWhereTheRuntimeDirectoryIsShared(bool isHosts, string runtimeDirectory, bool isWell) => Assert.Equal(
        isWell ? V1.CheckStatus.Ok : V1.CheckStatus.Warning, DaemonChecks.MountNamespace(isHosts, MountTable.Parse(Container), runtimeDirectory).Status);
}
