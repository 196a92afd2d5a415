using System.Text.Json.Nodes;
using Grpc.Core;
using Lamina.Linux;
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
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, 2L << 30, cancellationToken: TestContext.Current.CancellationToken);
        var pool = ServeProcess.NewPool(PoolBackend.Overlay2, disk.NewDirectory("pool"));
        await FillAsync(pool);
        // A disk that takes its time: whoever opens the pool waits for the thaw.
        using var slow = Freeze(disk);

        await using var daemon = ServeProcess.Start(pool);
        try
        {
            await daemon.AnswerAsync();
            Assert.False(await daemon.ProbeAsync());
            await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.ListVolumesAsync(new()));
            await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.CreateVolumeAsync(Requests.CreateVolume("early")));
            Assert.False(await daemon.ProbeAsync());
        }
        finally
        {
            slow.Dispose();
        }
        var thawed = TimeProvider.System.GetTimestamp();
        await daemon.BecomeReadyAsync();
        output.WriteLine($"{Volumes} volumes read in {TimeProvider.System.GetElapsedTime(thawed).TotalSeconds:f1} s");
        Assert.True(await daemon.ProbeAsync());
        Assert.Equal(Volumes, await CountAsync(daemon.Controller));
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

    private static Frozen Freeze(LoopDisk disk)
    {
        FileSystemFreeze.Freeze(disk.Root);
        return new Frozen(disk);
    }

    private sealed class Frozen(LoopDisk disk) : IDisposable
    {
        private bool _isThawed;

        public void Dispose()
        {
            if (!_isThawed)
                FileSystemFreeze.Thaw(disk.Root);
            _isThawed = true;
        }
    }
}
