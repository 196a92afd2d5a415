using Lamina.Storage.Pauses;

namespace Lamina.Storage.Tests.Pauses;

public sealed class KernelWritersTests
{
    [Fact]
    public void Swaps_FilesAndPartitions_AreTold() => Assert.Equal(
        ["/dev/vda2", "/mnt/a b/swap"],
        KernelWriters.Swaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vda2                               partition\t1\t0\t-2\n/mnt/a\\040b/swap                     file\t1\t0\t-3\n"));

    [Fact]
    public void Exports_CommentsAndClients_AreNotPaths() => Assert.Equal(
        ["/srv/nfs", "/mnt/a b", "/srv/x\\yz0"],
        KernelWriters.Exports("# Version 1.1\n# Path Client(Flags) # IPs\n/srv/nfs\t10.0.0.0/8(rw,sync)\n/mnt/a\\040b\t*(ro)\n/srv/x\\yz0\t*(ro)\n"));
}
