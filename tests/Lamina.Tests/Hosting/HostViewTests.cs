using System.Net;
using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Lamina.Tests.Docker;

namespace Lamina.Tests.Hosting;

/// <summary>Daemons in mount namespaces of their own, as in containers: what the host would not see is refused instead of mounted.</summary>
public sealed class HostViewTests : IAsyncLifetime
{
    private const string OwnPids = "--pid --fork --kill-child=KILL --mount-proc ";
    private readonly DaemonProcess _daemon = new([.. CsiPools.Overlay("default"), "--metrics:address=127.0.0.1:0"]);

    // The host's directory is shared, as /run is wherever systemd is the init.
    public async ValueTask InitializeAsync()
    {
        Requirements.Command("unshare", "util-linux");
        Directory.CreateDirectory(_daemon.RuntimeDirectory);
        await ShellAsync($"mount --bind {_daemon.RuntimeDirectory} {_daemon.RuntimeDirectory} && mount --make-shared {_daemon.RuntimeDirectory}");
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    // What a container engine does with Bidirectional, HostToContainer and None, with and without the host's processes; the last one is systemd with
    // PrivateTmp=, whose mounts have peers, but none of the host's.
    [Theory]
    [InlineData("", "", true)]
    [InlineData("--mount --propagation unchanged", "", true)]
    [InlineData(OwnPids + "--mount --propagation unchanged", "", true)]
    [InlineData("--mount --propagation slave", "", false)]
    [InlineData(OwnPids + "--mount --propagation slave", "", false)]
    [InlineData("--mount --propagation private", "", false)]
    [InlineData(OwnPids + "--mount --propagation private", "", false)]
    [InlineData("--mount --propagation slave", "mount --make-shared \"$run\";", false)]
    public async Task Volume_ThatTheHostWouldNotSee_IsNotAttached(string namespaces, string preparation, bool isSeen)
    {
        await StartAsync(namespaces, preparation);
        using var csi = new CsiConnection(_daemon.CsiSocket);
        var volume = (await csi.Controller.CreateVolumeAsync(Requests.CreateVolume("a"))).Volume.VolumeId;
        var request = Requests.Stage(volume, TestScratch.NewDirectory("staging"));

        if (isSeen)
        {
            await csi.Node.NodeStageVolumeAsync(request);
            Assert.True(IsSeenHere(volume));
        }
        else
        {
            Assert.Contains("Bidirectional", await Refused.AsAsync(StatusCode.FailedPrecondition, csi.Node.NodeStageVolumeAsync(request)), StringComparison.Ordinal);
            Assert.Contains("Bidirectional", Assert.Single(_daemon.Faults(), line => line.Contains("Volumes can't be attached", StringComparison.Ordinal)), StringComparison.Ordinal);
        }
        await AssertHealthAsync(isSeen);
        await csi.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = request.StagingTargetPath });
        await csi.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    // The daemon is a service among others of a machine that is none: its users are in there with it.
    [Fact]
    public async Task Volume_InAContainerWithAnInit_IsAttachedForThoseWithin()
    {
        await StartAsync(OwnPids + "--mount --propagation private", "", "\"$@\"; exit $?");
        using var csi = new CsiConnection(_daemon.CsiSocket);
        var volume = (await csi.Controller.CreateVolumeAsync(Requests.CreateVolume("a"))).Volume.VolumeId;

        await csi.Node.NodeStageVolumeAsync(Requests.Stage(volume, TestScratch.NewDirectory("staging")));

        Assert.False(IsSeenHere(volume));
        await AssertHealthAsync(isWell: true);
    }

    [Fact]
    public async Task Target_InADirectoryThatIsTheDaemonsAlone_IsNotPublishedTo()
    {
        var pods = TestScratch.NewDirectory("pods");
        await StartAsync("--mount --propagation unchanged", $"mount --bind {pods} {pods}; mount --make-private {pods};");
        using var csi = new CsiConnection(_daemon.CsiSocket);
        var volume = (await csi.Controller.CreateVolumeAsync(Requests.CreateVolume("a"))).Volume.VolumeId;
        var staging = TestScratch.NewDirectory("staging");
        await csi.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging));

        var refusal = await Refused.AsAsync(StatusCode.FailedPrecondition, csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, $"{pods}/target")));

        Assert.Contains(pods, refusal, StringComparison.Ordinal);
        Assert.Contains("Bidirectional", refusal, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(pods));
    }

    private bool IsSeenHere(string volume) => MountQuery.At($"{_daemon.RuntimeDirectory}/mounts/{volume}") is not null;

    private async Task StartAsync(string namespaces, string preparation, string ending = "exec \"$@\"")
    {
        if (namespaces.Length > 0)
            _daemon.Launcher = ["unshare", .. namespaces.Split(' '), "sh", "-euc", $"run=$1; shift; {preparation} {ending}", "sh", _daemon.RuntimeDirectory];
        await _daemon.StartAsync();
    }

    private async Task AssertHealthAsync(bool isWell)
    {
        using var http = new HttpClient { BaseAddress = await _daemon.MetricsAddressAsync() };
        using var ready = await http.GetAsync(new Uri("/readyz", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(isWell ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var doctor = await CliRun.RunAsync(CliRun.HostOf(_daemon.AdminSocket), "doctor");
        Assert.Matches(isWell ? "(?m)^mount namespace +ok" : "(?m)^mount namespace +PROBLEM", doctor.Out);
        Assert.Equal(isWell ? 0 : 1, doctor.ExitCode);
    }

    private static async Task ShellAsync(string script) => (await EngineRun.RunAsync("sh", "-euc", script)).OutOf(script);
}
