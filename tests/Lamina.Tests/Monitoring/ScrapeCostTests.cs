using System.IO.Pipelines;
using System.Text;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Monitoring;

/// <summary>What a scrape costs where there are many volumes. Times are told, and what does not depend on the machine is asserted.</summary>
public sealed class ScrapeCostTests(TestDaemon daemon, ITestOutputHelper output) : IClassFixture<TestDaemon>
{
    private const int Count = 10_000;

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
