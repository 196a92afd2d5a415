using Grpc.Core;
using Lamina.Tests.Csi;
using Wire = Csi.V1;

namespace Lamina.Tests.Hosting;

/// <summary>The daemon while it reads a pool of many volumes.</summary>
public sealed class ManyVolumesTests(ITestOutputHelper output)
{
    private const int Volumes = 10_000;

    [Fact]
    public async Task Start_WhileThePoolIsRead_AnswersThatItIsNotReady()
    {
        await using var pool = await SlowPool.MakeAsync(pool => ManyVolumes.FillAsync(pool, Volumes), 2L << 30);
        await using var daemon = new DaemonProcess(pool.Arguments);
        daemon.Launch();
        await daemon.LogsAsync("Listening");
        using var csi = new CsiConnection(daemon.CsiSocket);
        try
        {
            Assert.False((await csi.Identity.ProbeAsync(new())).Ready);
            await Refused.AsAsync(StatusCode.Unavailable, csi.Controller.ListVolumesAsync(new()));
            await Refused.AsAsync(StatusCode.Unavailable, csi.Controller.CreateVolumeAsync(Requests.CreateVolume("early")));
            Assert.False((await csi.Identity.ProbeAsync(new())).Ready);
        }
        finally
        {
            // Nobody can be killed who waits for a frozen disk.
            pool.Release();
        }
        var thawed = TimeProvider.System.GetTimestamp();
        await daemon.LogsAsync("Lamina is ready");
        output.WriteLine($"{Volumes} volumes read in {TimeProvider.System.GetElapsedTime(thawed).TotalSeconds:f1} s");
        Assert.True((await csi.Identity.ProbeAsync(new())).Ready);
        Assert.Equal(Volumes, await CountAsync(csi.Controller));
    }

    private static async Task<int> CountAsync(Wire.Controller.ControllerClient controller)
    {
        var names = new HashSet<string>();
        var token = "";
        do
        {
            var page = await controller.ListVolumesAsync(new() { MaxEntries = 1000, StartingToken = token });
            names.UnionWith(page.Entries.Select(entry => entry.Volume.VolumeId));
            token = page.NextToken;
        }
        while (token != "");
        return names.Count;
    }
}
