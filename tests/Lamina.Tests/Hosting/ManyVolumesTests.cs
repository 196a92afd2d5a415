using System.Text.Json.Nodes;
using Grpc.Core;
using Lamina.Storage.Pools;
using Lamina.Testing;
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
        await using var pool = await SlowPool.MakeAsync(FillAsync, 2L << 30);
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

    // One volume by the product, and copies of its record and its layer: ten thousand creates would take a minute.
    private static async Task FillAsync(PoolSettings pool)
    {
        await using (var services = await StorageServices.StartAsync(TestScratch.NewDirectory("run"), [pool]))
            await services.CreateAsync(NameOf(0));
        var record = await File.ReadAllTextAsync(Path.Combine(pool.Path, "volumes", NameOf(0), "record.json"));
        var head = (string)JsonNode.Parse(record)!["head"]!;
        for (var number = 1; number < Volumes; number++)
        {
            var layer = string.Concat($"{number:d13}".Select(digit => (char)('a' + digit - '0')));
            foreach (var part in (string[])["diff", "work"])
                Directory.CreateDirectory(Path.Combine(pool.Path, "layers", layer, part));
            var volume = Directory.CreateDirectory(Path.Combine(pool.Path, "volumes", NameOf(number)));
            await File.WriteAllTextAsync(
                Path.Combine(volume.FullName, "record.json"),
                record.Replace(NameOf(0), NameOf(number), StringComparison.Ordinal).Replace(head, layer, StringComparison.Ordinal));
        }
    }

    private static string NameOf(int number) => $"volume-{number:d5}";

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
