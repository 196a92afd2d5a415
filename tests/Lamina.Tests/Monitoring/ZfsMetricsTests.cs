using Lamina.Testing;

namespace Lamina.Tests.Monitoring;

/// <summary>What the metrics tell of a pool on OpenZFS, by the real program and commands that answer as they are told.</summary>
public sealed class ZfsMetricsTests : IAsyncDisposable
{
    private const string Root = "tank/lamina";
    private const string RoomQuestion = $"zfs get -Hp -o name,property,value,source used,available {Root}";
    private const string Room = $"{Root}\tused\t1000\t-\n{Root}\tavailable\t9000\t-\n";
    private readonly ScriptedZfs _zfs = new();
    private readonly DaemonProcess _daemon = new("--pools:tank:backend=zfs", $"--pools:tank:dataset={Root}", "--metrics:address=127.0.0.1:0", "--metrics:interval=00:00:01");

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Pool_OnZfs_TellsWhatZfsSaysAndIsSilentWhenThatIsOld()
    {
        AnswerAll();
        _daemon.Launch(new KeyValuePair<string, string?>("PATH", $"{Path.GetDirectoryName(_zfs.Programs.Zfs)}:{Environment.GetEnvironmentVariable("PATH")}"));
        await _daemon.ReadyAsync(_daemon.CsiSocket);
        using var http = new HttpClient { BaseAddress = await _daemon.MetricsAddressAsync() };

        var scrape = await Scrape.GetWhenAsync(http, scrape => scrape.Has(Of("size_bytes")), "the pool is looked at");
        Assert.Equal((10_000, 9_000), (scrape.Series[Of("size_bytes")], scrape.Series[Of("available_bytes")]));
        Assert.Equal(1, scrape.Series["""lamina_pool_zfs_state{pool="tank",state="DEGRADED"}"""]);
        Assert.Equal((0.17, 3), (scrape.Series[Of("zfs_fragmentation_ratio")], scrape.Series[Of("zfs_device_errors")]));
        Assert.Equal((1, 70), (scrape.Series[Of("trash_entries")], scrape.Series[Of("trash_bytes")]));
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        Assert.InRange(scrape.Series[Of("zfs_sampled_timestamp_seconds")], now - 3600, now + 1);
        Assert.True(scrape.Series[Of("problems")] > 0);

        _zfs.On(RoomQuestion, (1, "", $"cannot open '{Root}': I/O error"));

        // What it said before is in memory still, and is not told as if it were so.
        var silent = await Scrape.GetWhenAsync(http, scrape => !scrape.Has(Of("zfs_device_errors")), "the pool is silent");
        Assert.DoesNotContain(silent.Series.Keys, series => series.StartsWith("lamina_pool_zfs_", StringComparison.Ordinal));
        Assert.False(silent.Has(Of("trash_bytes")) || silent.Has(Of("size_bytes")));
        Assert.Equal(1, silent.Series[Of("loaded")]);
        var stood = silent.Series[Of("sampled_timestamp_seconds")];
        Assert.Equal(stood, (await Scrape.GetAsync(http)).Series[Of("sampled_timestamp_seconds")]);

        _zfs.On(RoomQuestion, Room);

        var back = await Scrape.GetWhenAsync(http, scrape => scrape.Has(Of("size_bytes")), "the pool is back");
        Assert.True(back.Series[Of("sampled_timestamp_seconds")] > stood);
    }

    private static string Of(string metric) => $$"""lamina_pool_{{metric}}{pool="tank"}""";

    private void AnswerAll() => _zfs
        .On($"zfs get -Hp -o name,property,value,source guid,lamina:pool {Root}",
            // The lock of a pool holds for the whole host, and so for test programs that run by the side of each other.
            $"{Root}\tguid\t{Random.Shared.NextInt64()}\t-\n{Root}\tlamina:pool\t{{\"format\":1,\"id\":\"abcdefghijklm\",\"backend\":\"Zfs\"}}\tlocal\n")
        .On("zfs get -Hp -o value type *", "filesystem\n")
        .On($"zfs get -Hp -o name,property,value,source snapdir {Root}/volumes", $"{Root}/volumes\tsnapdir\tdisabled\tdefault\n")
        .On($"zfs get -Hp -o name,property,value,source volmode {Root}", $"{Root}\tvolmode\tdev\tlocal\n")
        .On("zfs get -Hp -r *", $"{Room}{Root}/trash/gone.x\tused\t70\t-\n")
        .On(RoomQuestion, Room)
        .On("zpool list -Hp -o health,fragmentation tank", "DEGRADED\t17\n")
        .On("zpool status -p tank", "config:\n\n\tNAME    STATE     READ WRITE CKSUM\n\ttank    DEGRADED     0     0     0\n\t  sda   ONLINE       0     1     2\n\nerrors: No known data errors\n")
        .On("zfs destroy *", (1, "", "cannot destroy 'tank/lamina/trash/gone.x': dataset is busy"));
}
