using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Monitoring;

/// <summary>What a scrape costs where there are many volumes. Times are told, and what does not depend on the machine is asserted.</summary>
public sealed class ScrapeCostTests(TestDaemon daemon, TmpfsFileSystem fileSystem, ITestOutputHelper output) : IClassFixture<TestDaemon>, IClassFixture<TmpfsFileSystem>
{
    private const int Count = 10_000;
    private const int Scrapes = 20;

    // Of a processor's time as the kernel tells it.
    private const int TicksPerSecond = 100;

    [Fact]
    public async Task Scrape_OverHttpByTheRealProgram_OfTenThousandVolumes_HasAllOfThem()
    {
        var pool = new PoolSettings { Name = IStorageValue<PoolName>.Parse("many"), Backend = PoolBackend.Overlay2, Path = fileSystem.NewDirectory("pool"), IsDefault = true };
        PoolInitializer.Initialize(pool);
        await ManyVolumes.FillAsync(pool, Count);
        await using var process = new DaemonProcess("--pools:many:backend=overlay2", $"--pools:many:path={pool.Path}", "--metrics:address=127.0.0.1:0", "--metrics:interval=00:00:05");
        await process.StartAsync();
        using var http = new HttpClient { BaseAddress = await process.MetricsAddressAsync() };
        await Scrape.GetWhenAsync(http, scrape => scrape.Series.Keys.Count(series => series.StartsWith("lamina_volume_used_bytes", StringComparison.Ordinal)) == Count, "all volumes are measured");

        // What it does by itself, in a time in which it looks at all volumes a few times.
        var (idle, begin) = (Cpu(process.Pid), TimeProvider.System.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
        var pace = (Cpu(process.Pid) - idle) / TimeProvider.System.GetElapsedTime(begin);

        (var before, begin, var size) = (Cpu(process.Pid), TimeProvider.System.GetTimestamp(), 0);
        for (var number = 0; number < Scrapes; number++)
            size = (await http.GetByteArrayAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken)).Length;
        var elapsed = TimeProvider.System.GetElapsedTime(begin);
        var scrapes = Cpu(process.Pid) - before - pace * elapsed;
        output.WriteLine($"a scrape over HTTP: {scrapes.TotalMilliseconds / Scrapes:f0} ms of processor time, {elapsed.TotalMilliseconds / Scrapes:f0} ms by the clock, {size / 1024} KiB of text");
        output.WriteLine($"without scrapes: {100 * pace:f1}% of a processor, looking at all volumes every 5 s; {Environment.NewLine}{string.Join('\n', File.ReadLines($"/proc/{process.Pid}/status").Where(line => line.StartsWith("VmRSS", StringComparison.Ordinal)))}");

        var last = await Scrape.GetAsync(http);
        foreach (var metric in (string[])["used_bytes", "usage_timestamp_seconds", "referenced_bytes", "exclusive_bytes", "layers", "attached", "holders", "snapshots"])
            Assert.Equal(Count, last.Series.Keys.Count(series => series.StartsWith($"lamina_volume_{metric}{{", StringComparison.Ordinal)));
        Assert.Empty(process.Faults());
    }

    [Fact]
    public async Task Scrape_OfTenThousandVolumes_ReadsMemoryAndTakesLittle()
    {
        var catalog = daemon.Services.GetRequiredService<Catalog>();
        var pool = daemon.Services.GetRequiredService<PoolSet>().Loaded.Single();
        var now = TimeProvider.System.GetUtcNow();
        for (var number = 0; number < Count; number++)
        {
            var name = $"pvc-{number:d36}";
            var id = new VolumeId(pool.Id, ObjectKey.FromName(name));
            catalog.Put(new Volume { Id = id, Name = name, Size = new ByteSize(1L << 30), Door = Door.Csi, CreatedAt = now });
            catalog.Put(new Snapshot { Id = new SnapshotId(pool.Id, ObjectKey.FromName("s" + name)), Name = "s" + name, SourceVolume = id, Door = Door.Csi, CreatedAt = now });
        }
        var before = Environment.CpuUsage.TotalTime;
        await daemon.Services.GetRequiredService<StateSampler>().LookAsync();
        output.WriteLine($"a look in the background: {(Environment.CpuUsage.TotalTime - before).TotalMilliseconds:f0} ms of processor time");
        var exposition = daemon.Services.GetRequiredService<StateExposition>();
        await ScrapeAsync(exposition);

        before = Environment.CpuUsage.TotalTime;
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var text = await ScrapeAsync(exposition);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        output.WriteLine($"a scrape: {(Environment.CpuUsage.TotalTime - before).TotalMilliseconds:f0} ms of processor time, {allocated / 1024} KiB allocated, {text.Length / 1024} KiB of text");

        var lines = text.Split('\n').Where(line => line.StartsWith("lamina_volume_", StringComparison.Ordinal)).ToList();
        Assert.Equal(6 * Count, lines.Count(line => !line.StartsWith("lamina_volume_snapshot_exclusive", StringComparison.Ordinal)));
        // The text itself is taken here, which is most of it: of the rest, a few dozen bytes for each volume.
        Assert.True(allocated < text.Length * 12L, $"{allocated} bytes are allocated for {text.Length} of text");
    }

    // Of user and system, after the name, which may hold anything.
    private static TimeSpan Cpu(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((double)(long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
    }

    /// <summary>What a scrape is told of how things are.</summary>
    internal static async Task<string> ScrapeAsync(StateExposition exposition)
    {
        using var text = new MemoryStream();
        var pipe = PipeWriter.Create(text);
        await exposition.WriteAsync(pipe, CancellationToken.None);
        await pipe.CompleteAsync();
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
