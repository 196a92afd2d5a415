using System.Globalization;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Hosting;

/// <summary>What the daemon takes of a host's memory.</summary>
public sealed class MemoryTests(TmpfsFileSystem fileSystem, ITestOutputHelper output) : IClassFixture<TmpfsFileSystem>
{
    private const int MiB = 1024;

    [Fact]
    public async Task ResidentMemory_Idle_IsBelow80MiB()
    {
        await using var daemon = new DaemonProcess(CsiPools.OverlayAt("default", fileSystem.NewDirectory("pool")));
        await daemon.StartAsync();

        AssertBelow(80 * MiB, await SettledAsync(daemon.Pid, "idle"));
        // Most of it are pages of the runtime's files, which it shares with the daemon.
        AssertBelow(40 * MiB, await SettledAsync(daemon.WatcherPid!.Value, "watcher"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task ResidentMemory_WithThousandVolumes_IsBelow110MiB()
    {
        const int count = 1000;
        await using var daemon = new DaemonProcess(CsiPools.OverlayAt("default", fileSystem.NewDirectory("pool")));
        await daemon.StartAsync();
        using (var csi = new CsiConnection(daemon.CsiSocket))
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count),
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (number, cancel) => await csi.Controller.CreateVolumeAsync(Requests.CreateVolume($"pvc-{number:d36}"), cancellationToken: cancel));
            Assert.Equal(count, (await csi.Controller.ListVolumesAsync(new())).Entries.Count);

            AssertBelow(110 * MiB, await SettledAsync(daemon.Pid, "after 1,000 creates"));
        }
        Assert.Equal(0, await daemon.StopAsync());

        await daemon.StartAsync();
        using (var csi = new CsiConnection(daemon.CsiSocket))
            Assert.Equal(count, (await csi.Controller.ListVolumesAsync(new())).Entries.Count);
        AssertBelow(110 * MiB, await SettledAsync(daemon.Pid, "started with 1,000 volumes"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task ResidentMemory_WithMetricsThatAreScraped_IsBelow90MiBIdleAnd120MiBWithThousandVolumes()
    {
        const int count = 1000;
        await using var daemon = new DaemonProcess([.. CsiPools.OverlayAt("default", fileSystem.NewDirectory("pool")), "--metrics:address=127.0.0.1:0"]);
        await daemon.StartAsync();
        using var http = new HttpClient { BaseAddress = await daemon.MetricsAddressAsync() };
        await ScrapeAsync(http);
        AssertBelow(90 * MiB, await SettledAsync(daemon.Pid, "idle, scraped"));
        using (var csi = new CsiConnection(daemon.CsiSocket))
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count),
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (number, cancel) => await csi.Controller.CreateVolumeAsync(Requests.CreateVolume($"pvc-{number:d36}"), cancellationToken: cancel));
        }
        await ScrapeAsync(http);

        AssertBelow(120 * MiB, await SettledAsync(daemon.Pid, "after 1,000 creates, scraped"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    // As often as Prometheus asks in some minutes.
    private static async Task ScrapeAsync(HttpClient http)
    {
        for (var number = 0; number < 20; number++)
        {
            await http.GetByteArrayAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    // In KiB, when it has not grown for a while.
    private async Task<int> SettledAsync(int pid, string what)
    {
        var resident = 0;
        for (var quiet = 0; quiet < 50; quiet++)
        {
            await Task.Delay(100);
            if (Resident(pid) is var now && now <= resident)
                continue;
            resident = now;
            quiet = 0;
        }
        resident = Resident(pid);
        output.WriteLine($"{what}: {resident / 1024.0:f1} MiB");
        return resident;
    }

    private static int Resident(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(line.AsSpan()["VmRSS:".Length..^" kB".Length], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
    }

    private static void AssertBelow(int limit, int resident) => Assert.InRange(resident, 1, limit - 1);
}
