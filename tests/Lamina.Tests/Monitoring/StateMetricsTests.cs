using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Monitoring;

/// <summary>What the metrics tell of pools and volumes, by the real program, and when they say nothing.</summary>
public sealed class StateMetricsTests : ScrapedDaemon
{
    private readonly string _other;

    public StateMetricsTests()
        : this(TestScratch.NewDirectory("pool"))
    {
    }

    private StateMetricsTests(string other)
        : base([.. CsiPools.Overlay("plain", "--default", "--usageInterval=00:00:01"), .. CsiPools.OverlayAt("other", other), "--metrics:interval=00:00:01"]) => _other = other;

    [Fact]
    public async Task Volume_ThroughItsLife_HasWhatIsKnownOfIt()
    {
        await RunAsync("volume", "create", "v", "--size", "10Mi");
        await RunAsync("volume", "create", "free");
        var path = (await RunAsync("volume", "attach", "v")).TrimEnd('\n');
        await File.WriteAllBytesAsync(Path.Combine(path, "file"), new byte[1 << 20]);
        await RunAsync("snapshot", "create", "v", "s");

        var scrape = await Scrape.GetWhenAsync(Http, scrape => scrape.Series.GetValueOrDefault(Of("used_bytes", "v")) >= 1 << 20 && scrape.Has(Of("newest_snapshot_timestamp_seconds", "v")), "the file is seen");
        Assert.Equal(10 << 20, scrape.Series[Of("limit_bytes", "v")]);
        Assert.Equal(1, scrape.Series[Of("attached", "v")]);
        Assert.Equal(1, scrape.Series[Of("holders", "v")]);
        Assert.Equal(1, scrape.Series[Of("snapshots", "v")]);
        Assert.Equal(1, scrape.Series[Of("layers", "v")]);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        Assert.InRange(scrape.Series[Of("newest_snapshot_timestamp_seconds", "v")], now - 3600, now + 1);
        Assert.Equal(1, scrape.Series["lamina_mounts_expected{kind=\"volume\"}"]);
        Assert.Equal(1, scrape.Series["lamina_mounts_present{kind=\"volume\"}"]);
        Assert.Equal(0, scrape.Series["lamina_orphan_mounts"]);
        // Of steps there are as many names as the code has, and none has a volume in it.
        var steps = scrape.Series.Keys.Where(series => series.StartsWith("lamina_pool_step_seconds_count{", StringComparison.Ordinal)).ToList();
        // Each is one step, through however many layers of the pool it goes.
        foreach (var step in (string[])["begin_snapshot", "publish_snapshot"])
            Assert.Equal(1, scrape.Series[$$"""lamina_pool_step_seconds_count{pool="plain",step="{{step}}",result="OK"}"""]);
        Assert.All(steps, series => Assert.Matches("step=\"[a-z_]+\"", series));
        // No limit is not a limit of 0, and no snapshot is not one of 1970.
        Assert.False(scrape.Has(Of("limit_bytes", "free")) || scrape.Has(Of("newest_snapshot_timestamp_seconds", "free")));

        await RunAsync("volume", "rm", "free");
        Assert.DoesNotContain((await Scrape.GetAsync(Http)).Series.Keys, series => series.Contains("volume=\"free\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--fs", "ext4")]
    [InlineData("--kind", "block")]
    public async Task Volume_WithADeviceForItself_HasWhatIsReadAndWritten(string option, string value)
    {
        await RunAsync("volume", "create", "v", "--size", "32Mi", option, value);
        var path = (await RunAsync("volume", "attach", "v")).TrimEnd('\n');
        // Whatever the device did before, for other files, is none of the volume's.
        var first = await Scrape.GetWhenAsync(Http, scrape => scrape.Has(Of("device_writes_total", "v")), "the device is seen");
        Assert.True(first.Series[Of("device_written_bytes_total", "v")] < 1 << 20, first.Text);

        await using (var file = new FileStream(value == "block" ? path : Path.Combine(path, "file"), value == "block" ? FileMode.Open : FileMode.Create, FileAccess.Write))
        {
            await file.WriteAsync(new byte[1 << 20]);
            file.Flush(flushToDisk: true);
        }

        var scrape = await Scrape.GetWhenAsync(Http, scrape => scrape.Series[Of("device_written_bytes_total", "v")] >= 1 << 20 && scrape.Series[Of("referenced_bytes", "v")] >= 1 << 20, "what is written is counted");
        Assert.True(scrape.Series[Of("device_writes_total", "v")] > 0);
        // Whole milliseconds, of which a fast disk may need none.
        Assert.True(scrape.Series[Of("device_busy_seconds_total", "v")] >= 0);
        Assert.Equal(1, scrape.Series["""lamina_pool_loop_devices{pool="plain"}"""]);
        Assert.Equal(0, scrape.Series["""lamina_pool_loop_devices{pool="other"}"""]);

        await RunAsync("volume", "detach", "v");
        await Scrape.GetWhenAsync(Http, scrape => !scrape.Has(Of("device_writes_total", "v")), "there is no device any more");
    }

    [Fact]
    public async Task Trash_ThatCantBeEmptied_IsTold()
    {
        var trash = Path.Combine(_other, "trash", "kept.by-a-mount");
        Directory.CreateDirectory(trash);
        foreach (var name in (string[])["data", "place"])
            await File.WriteAllBytesAsync(Path.Combine(trash, name), new byte[1 << 20]);
        using (var place = Files.Open(Path.Combine(trash, "place"), OpenFlags.Path | OpenFlags.NoFollow))
        using (var tree = Mounts.CloneTree(place))
            Mounts.Attach(tree, Path.Combine(trash, "place"));
        try
        {
            await Scrape.GetWhenAsync(Http, scrape => scrape.Series.GetValueOrDefault("""lamina_pool_trash_bytes{pool="other"}""") >= 2 << 20, "its bytes are told");

            // What a tree takes only a walk could tell.
            Directory.CreateDirectory(Path.Combine(trash, "tree"));
            var scrape = await Scrape.GetWhenAsync(Http, scrape => !scrape.Has("""lamina_pool_trash_bytes{pool="other"}"""), "its bytes are unknown");
            Assert.Equal(1, scrape.Series["""lamina_pool_trash_entries{pool="other"}"""]);
            Assert.Equal(0, scrape.Series["""lamina_pool_trash_bytes{pool="plain"}"""]);
        }
        finally
        {
            Mounts.Unmount(Path.Combine(trash, "place"));
        }
    }

    [Fact]
    public async Task Mount_ThatSomebodyTookAway_IsMissed()
    {
        await RunAsync("volume", "create", "v");
        var path = (await RunAsync("volume", "attach", "v")).TrimEnd('\n');
        await Scrape.GetWhenAsync(Http, scrape => scrape.Series.GetValueOrDefault("lamina_mounts_present{kind=\"volume\"}") == 1, "the mount is seen");

        Mounts.Unmount(path);

        var scrape = await Scrape.GetWhenAsync(Http, scrape => scrape.Series["lamina_mounts_present{kind=\"volume\"}"] == 0, "the mount is missed");
        Assert.Equal(1, scrape.Series["lamina_mounts_expected{kind=\"volume\"}"]);
        Assert.Equal(0, scrape.Series[Of("attached", "v")]);
        Assert.Equal(0, scrape.Series["lamina_orphan_mounts"]);
    }

    [Fact]
    public async Task Pool_WhoseDiskHangs_IsSilentByItself()
    {
        await RunAsync("volume", "create", "v", "--pool", "other");
        await Scrape.GetWhenAsync(Http, scrape => scrape.Has("""lamina_pool_size_bytes{pool="other"}""") && scrape.Has(Of("holders", "v", "other")), "both pools are seen");
        double stood;
        using (new HangingFileSystem(_other))
        {
            var silent = await Scrape.GetWhenAsync(Http, scrape => !scrape.Has("""lamina_pool_size_bytes{pool="other"}"""), "the pool that hangs is silent");
            stood = silent.Series["""lamina_pool_sampled_timestamp_seconds{pool="other"}"""];
            Assert.False(silent.Has(Of("holders", "v", "other")));
            Assert.Equal(1, silent.Series["""lamina_pool_loaded{pool="other"}"""]);
            Assert.True(silent.Has("""lamina_pool_size_bytes{pool="plain"}"""));
            Assert.True(silent.Series["""lamina_pool_sampled_timestamp_seconds{pool="plain"}"""] > stood);
        }
        var back = await Scrape.GetWhenAsync(Http, scrape => scrape.Has("""lamina_pool_size_bytes{pool="other"}"""), "the pool is back");
        Assert.True(back.Series["""lamina_pool_sampled_timestamp_seconds{pool="other"}"""] > stood);
    }

    private static string Of(string metric, string volume, string pool = "plain") => $$"""lamina_volume_{{metric}}{pool="{{pool}}",volume="{{volume}}",pvc="",pvc_namespace="",door="cli"}""";

    private async Task<string> RunAsync(params string[] arguments)
    {
        var run = await CliRun.RunAsync(CliRun.HostOf(Daemon.AdminSocket), arguments);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', arguments)}: {run.Error}");
        return run.Out;
    }
}
