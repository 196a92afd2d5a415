using Lamina.Tests.Csi;

namespace Lamina.Tests.Cluster;

/// <summary>The client of the Kubernetes API takes memory, which only those pay who have a cluster.</summary>
public sealed class ClientLoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Client_WithoutACluster_IsNotLoaded()
    {
        await using var daemon = new DaemonProcess(CsiPools.Overlay("default"));
        await daemon.StartAsync();

        Assert.False(HasClient(daemon.Pid));
    }

    [Fact]
    public async Task Client_WithACluster_IsLoaded_AndSwitchedOffIsNot()
    {
        await using var server = await FakeApiServer.StartAsync();
        string[] arguments = [.. CsiPools.Overlay("default"), $"--cluster:kubeconfig={server.Kubeconfig(isAdmin: false)}", "--cluster:namespace=lamina"];
        await using var daemon = new DaemonProcess(arguments);
        await daemon.StartAsync();
        await Lamina.Testing.Eventually.TrueAsync(() => server.Count("watch", "persistentvolumes") > 0 && server.Count("create", "configmaps") > 0, "the daemon watches");

        Assert.True(HasClient(daemon.Pid));
        output.WriteLine($"with a cluster: {File.ReadLines($"/proc/{daemon.Pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))}");
        Assert.Empty(daemon.Faults());

        await using var off = new DaemonProcess([.. CsiPools.Overlay("default"), .. arguments[^2..], "--cluster:enabled=false"]);
        await off.StartAsync();
        Assert.False(HasClient(off.Pid));
    }

    private static bool HasClient(int pid) => File.ReadAllText($"/proc/{pid}/maps").Contains("/KubernetesClient.dll", StringComparison.Ordinal);
}
