using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Docker;

/// <summary>Two pools that were another host's each, and have a volume of one name: nobody may be given the data of the wrong one.</summary>
public sealed class SharedNameTests : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("docker");
    private readonly string _one = TestScratch.NewDirectory("pool");
    private readonly string _other = TestScratch.NewDirectory("pool");
    private TestDaemon _daemon = null!;

    private string Socket => $"{_root}/lamina.sock";

    // The other pool has a volume of the name already, and comes when this one has it mounted.
    public async ValueTask InitializeAsync()
    {
        string[] other = CsiPools.OverlayAt("other", _other);
        await using (await TestDaemon.StartAsync(["--docker:enabled=true", $"--docker:socket={_root}/other.sock", .. other]))
            await DriverClient.OkAsync($"{_root}/other.sock", "VolumeDriver.Create", """{"Name":"data"}""");
        Directory.Move(_other, $"{_other}-away");
        _daemon = await TestDaemon.StartAsync(["--docker:enabled=true", $"--docker:socket={Socket}", .. CsiPools.OverlayAt("one", _one, "--default"), .. other]);
        await OkAsync("Create", """{"Name":"data","Opts":{"pool":"one"}}""");
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Name_OfVolumesInTwoPools_IsRefusedEverywhereAndTheirIdsAreNot()
    {
        await CliRun.OkAsync(_daemon, "snapshot", "create", "data", "then");
        await OtherComesAsync();
        var ids = (await CliRun.JsonAsync(_daemon, "volume", "ls")).AsArray().Select(volume => (string)volume!["id"]!).ToList();
        Assert.Equal(2, ids.Count);

        string[] refusals =
        [
            await RefusedAsync("Mount", """{"Name":"data","ID":"m"}"""),
            await RefusedAsync("Remove", """{"Name":"data"}"""),
            await RefusedAsync("Create", """{"Name":"data","Opts":{"pool":"one"}}"""),
            await RefusedAsync("Unmount", """{"Name":"data","ID":"m"}"""),
            await DriverClient.RefusedAsync(Socket, "VolumeDriver.Get", """{"Name":"data"}""", "plugin"),
            await CliRefusedAsync("volume", "rm", "--any-door", "data"),
            await CliRefusedAsync("volume", "attach", "data"),
            await CliRefusedAsync("snapshot", "create", "data"),
        ];

        Assert.All(refusals, refusal => Assert.Contains("the name 'data' is that of several volumes in different pools, ", refusal, StringComparison.Ordinal));
        Assert.All(refusals, refusal => Assert.True(ids.TrueForAll(id => refusal.Contains(id, StringComparison.Ordinal)), refusal));
        foreach (var pool in (string[])["one", "other"])
            Assert.Contains("another pool has a volume of the name 'data' too", (string)(await CliRun.JsonAsync(_daemon, "pool", "inspect", pool))["problem"]!, StringComparison.Ordinal);
        Assert.Contains("another pool has a volume of the name 'data' too", (await CliRun.RunAsync(_daemon, "doctor")).Out, StringComparison.Ordinal);

        // By id everything goes on; and with one left the name means it.
        await CliRun.OkAsync(_daemon, "snapshot", "restore", "--in-place", "then");
        var other = ids.Single(id => id.StartsWith(PoolOf("other"), StringComparison.Ordinal));
        await CliRun.OkAsync(_daemon, "volume", "rm", "--any-door", other);
        Assert.Equal(ids.Single(id => id != other), (string?)(await CliRun.JsonAsync(_daemon, "volume", "inspect", "data"))["id"]);
        await OkAsync("Get", """{"Name":"data"}""");
    }

    [Fact]
    public async Task Unmount_OfAVolumeWhoseNameAnotherPoolBrings_EndsTheOneThatWasMounted()
    {
        var path = (string)(await OkAsync("Mount", """{"Name":"data","ID":"m"}"""))["Mountpoint"]!;
        await OtherComesAsync();

        await OkAsync("Unmount", """{"Name":"data","ID":"m"}""");

        Assert.Null(MountTable.Read().FindTop(path));
    }

    [Fact]
    public async Task Name_OfSnapshotsInTwoPools_IsRefused()
    {
        Directory.Move($"{_other}-away", _other);
        await using (var daemon = await TestDaemon.StartAsync(["--docker:enabled=false", "--pools:other:backend=overlay2", $"--pools:other:path={_other}"]))
            await CliRun.OkAsync(daemon, "snapshot", "create", "data", "then");
        Directory.Move(_other, $"{_other}-away");
        await CliRun.OkAsync(_daemon, "snapshot", "create", "data", "then");
        await OtherComesAsync();

        foreach (var refusal in (string[])[await CliRefusedAsync("snapshot", "rm", "then"), await CliRefusedAsync("snapshot", "restore", "--in-place", "then"), await CliRefusedAsync("snapshot", "restore", "then", "new")])
            Assert.Contains("the name 'then' is that of several snapshots in different pools, ", refusal, StringComparison.Ordinal);
        Assert.Contains("the name 'then' is that of several snapshots", await RefusedAsync("Create", """{"Name":"new","Opts":{"from":"then"}}"""), StringComparison.Ordinal);
    }

    private async Task OtherComesAsync()
    {
        Directory.Move($"{_other}-away", _other);
        Assert.True(await _daemon.Services.GetRequiredService<PoolSet>().RetryAsync(TestContext.Current.CancellationToken));
    }

    private string PoolOf(string name) => _daemon.Services.GetRequiredService<PoolSet>().Loaded.Single(pool => pool.Name.ToString() == name).Id.ToString();

    private async Task<string> CliRefusedAsync(params string[] arguments)
    {
        var run = await CliRun.RunAsync(_daemon, arguments);
        Assert.Equal(5, run.ExitCode);
        return run.Error;
    }

    private Task<JsonNode> OkAsync(string method, string body) => DriverClient.OkAsync(Socket, $"VolumeDriver.{method}", body);

    private Task<string> RefusedAsync(string method, string body) => DriverClient.RefusedAsync(Socket, $"VolumeDriver.{method}", body);
}
