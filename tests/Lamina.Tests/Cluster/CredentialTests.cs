using System.Globalization;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Microsoft.Extensions.Logging;

namespace Lamina.Tests.Cluster;

/// <summary>How the daemon shows who it is, and sees who the API server is.</summary>
public sealed class CredentialTests
{
    [Fact]
    public async Task Token_ThatNobodyKnows_IsToldOnce_AndTriedAgain()
    {
        await using var server = await FakeApiServer.StartAsync();
        await using var scene = await ClusterScene.StartAsync(server, $"--cluster:kubeconfig={server.Kubeconfig("token: later")}");
        await Eventually.TrueAsync(() => server.Strangers > 3 && scene.Standing.Failures > 3, "the daemon has tried it again and again");
        // The first time may have been before the log was kept.
        var told = scene.Daemon.Log.GetSnapshot().Where(entry => entry.Level == LogLevel.Warning && entry.Message.Contains("can't be asked", StringComparison.Ordinal)).ToList();
        Assert.InRange(told.Count, 0, 1);
        Assert.All(told, entry => Assert.Contains("401", entry.Message, StringComparison.Ordinal));
        Assert.Empty(server.Requests);

        server.Token = "later";

        await ClusterScene.UntilAsync(() => Task.FromResult(scene.Index.IsCurrent), "the daemon watches", minutes: 2);
    }

    [Fact]
    public async Task Token_OfAKubeconfigThatIsWrittenAnew_IsReadAnew()
    {
        await using var server = await FakeApiServer.StartAsync();
        var file = server.Kubeconfig(isAdmin: false);
        await using var scene = await ClusterScene.StartAsync(server, $"--cluster:kubeconfig={file}");
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");
        var watches = server.Count("watch", "persistentvolumes");

        File.Copy(server.Kubeconfig("token: rotated"), file, overwrite: true);
        server.Token = "rotated";
        await server.EndWatchesAsync(WatchEnd.Cut);

        await Eventually.TrueAsync(() => server.Count("watch", "persistentvolumes") > watches && scene.Index.IsCurrent, "the daemon watches again");
    }

    // With what a pod has, at the place where it has it; the rest of the host's /run is of no use to the daemon here.
    [Fact]
    public async Task Pod_WithItsAccount_IsKnown_AndKnowsTheServer()
    {
        Requirements.Command("unshare", "util-linux");
        using var identity = new ServerIdentity();
        await using var server = await FakeApiServer.StartAsync(identity);
        var account = TestScratch.NewDirectory("account");
        await File.WriteAllTextAsync(Path.Combine(account, "token"), server.Token + "\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(account, "ca.crt"), identity.Authority, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(account, "namespace"), "lamina", TestContext.Current.CancellationToken);
        await using var daemon = new DaemonProcess(CsiPools.Overlay("default"))
        {
            Launcher =
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-euc",
                "account=$1; shift; run=$(readlink -f /var/run); place=$run/secrets/kubernetes.io/serviceaccount; mount -t tmpfs tmpfs \"$run\"; mkdir -p \"$place\"; mount --bind \"$account\" \"$place\"; exec \"$@\"",
                "sh", account,
            ],
        };

        daemon.Launch([new("KUBERNETES_SERVICE_HOST", "127.0.0.1"), new("KUBERNETES_SERVICE_PORT", server.Port.ToString(CultureInfo.InvariantCulture))]);

        await daemon.ReadyAsync(daemon.CsiSocket);
        await Eventually.TrueAsync(() => server.Count("watch", "persistentvolumes") > 0 && server.Store.Find("/configmaps", "lamina", "lamina-pools-node-1") is not null,
            "the daemon watches, and shows its pools in the namespace of its pod");
        Assert.Equal(0, server.Strangers);
        Assert.Empty(server.Forbidden);
        Assert.All(server.Requests, request => Assert.Equal("HTTP/2", request.Protocol));

        // As the kubelet does, while the old one is still good for a while; here it is not.
        var watches = server.Count("watch", "persistentvolumes");
        await File.WriteAllTextAsync(Path.Combine(account, "token"), "rotated\n", TestContext.Current.CancellationToken);
        server.Token = "rotated";
        await server.EndWatchesAsync(WatchEnd.Cut);
        await Eventually.TrueAsync(() => server.Count("watch", "persistentvolumes") > watches, "the daemon watches again");
    }
}
