using System.Text.Json.Nodes;
using Lamina.Testing;

namespace Lamina.Tests.Cli;

/// <summary>ZFS pools by the command line.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsPoolCommandTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private TestDaemon _daemon = null!;
    private string _dataset = null!;

    public async ValueTask InitializeAsync()
    {
        _dataset = fileSystem.NewDataset();
        _daemon = await TestDaemon.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await ZfsFileSystem.DestroyAsync(_dataset);
    }

    [Fact]
    public async Task Init_OfADataset_IsServedNowAndAfterARestart()
    {
        await InitAsync();
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--pool", "tank", "--size", "16Mi", "--param", "compression=gzip", "--param", "mode=0700");
        var path = await CliRun.OkAsync(_daemon, "volume", "attach", "v");
        await File.WriteAllTextAsync(Path.Combine(path.Trim(), "file"), "content");
        await CliRun.OkAsync(_daemon, "volume", "detach", "v");
        await CliRun.OkAsync(_daemon, "snapshot", "create", "v", "s");
        await CliRun.OkAsync(_daemon, "snapshot", "restore", "s", "w");

        await _daemon.StartAgainAsync();

        path = await CliRun.OkAsync(_daemon, "volume", "attach", "w");
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(path.Trim(), "file")));
        await CliRun.OkAsync(_daemon, "volume", "detach", "w");
        var pool = (await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray().First(one => (string?)one!["name"] == "tank")!;
        Assert.Equal(("zfs", _dataset, "hard"), ((string?)pool["backend"], (string?)pool["path"], (string?)pool["limits"]));
        var written = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_daemon.ConfigurationDirectory, "conf.d", "pool-tank.json")))!;
        Assert.Equal(_dataset, (string?)written["pools"]!["tank"]!["dataset"]);
        Assert.Equal("false", (await ZfsFileSystem.RunAsync("get", "-H", "-o", "value", "com.sun:auto-snapshot", _dataset)).Trim());
    }

    [Fact]
    public async Task Init_WhereThereIsSomething_IsRefusedAndChangesNothing()
    {
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", _dataset);
        await ZfsFileSystem.RunAsync("create", $"{_dataset}/precious");

        var refused = await CliRun.RunAsync(_daemon, "pool", "init", "tank", "--backend", "zfs", "--dataset", _dataset);

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains($"it holds {_dataset}/precious", refused.Error, StringComparison.Ordinal);
        Assert.Equal("-", (await ZfsFileSystem.RunAsync("get", "-H", "-o", "value", "lamina:pool", _dataset)).Trim());
    }

    [Theory]
    [InlineData("say where: --dataset", "--backend", "zfs")]
    [InlineData("zfs pool lies in a dataset", "--backend", "zfs", "--dataset", "tank/lamina", "--path", "/srv")]
    [InlineData("'tank' is not the name of a dataset", "--backend", "zfs", "--dataset", "tank")]
    [InlineData("is too long", "--backend", "zfs", "--dataset", "tank/a23456789012345678901234567890123456789")]
    [InlineData("only a zfs pool lies in a dataset", "--backend", "overlay2", "--path", "/srv/x", "--dataset", "tank/lamina")]
    [InlineData("make the ZFS pool first", "--backend", "zfs", "--dataset", "nosuchpool/lamina")]
    public async Task Init_OfWhatCantBe_SaysWhy(string expected, params string[] arguments)
    {
        _ = fileSystem.Pool;
        var refused = await CliRun.RunAsync(_daemon, ["pool", "init", "tank", .. arguments]);

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(expected, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_OfAPoolWhoseTrashWaitsForASnapshotOfSomebodyElse_TellsWhich()
    {
        await InitAsync();
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--pool", "tank");
        await ZfsFileSystem.RunAsync("snapshot", $"{_dataset}/volumes/v@autosnap_daily");

        await CliRun.OkAsync(_daemon, "volume", "rm", "v");

        await Eventually.TrueAsync(
            () => CliRun.RunAsync(_daemon, "doctor").GetAwaiter().GetResult().Out.Contains("autosnap_daily, which is not ours", StringComparison.Ordinal), "the doctor tells of it");
        Assert.Contains("@autosnap_daily", await ZfsFileSystem.RunAsync("list", "-H", "-r", "-t", "snapshot", "-o", "name", _dataset), StringComparison.Ordinal);
    }

    private async Task InitAsync() => await CliRun.OkAsync(_daemon, "pool", "init", "tank", "--backend", "zfs", "--dataset", _dataset);
}
