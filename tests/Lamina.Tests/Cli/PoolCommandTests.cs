using System.Text.Json.Nodes;
using Lamina.Testing;

namespace Lamina.Tests.Cli;

public sealed class PoolCommandTests : IAsyncLifetime
{
    private TestDaemon _daemon = null!;

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync();

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task List_Table_HasARowEach()
    {
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--size", "10Gi");

        var lines = (await CliRun.OkAsync(_daemon, "pool", "ls")).Split('\n');

        Assert.Matches(@"^NAME     ID             BACKEND   FILESYSTEM  PATH +SIZE +AVAILABLE +PROMISED  VOLUMES  LIMITS    DEFAULT  STATE$", lines[0]);
        Assert.Matches($@"^default  [a-z2-7]{{13}}  overlay2  \S+ +{_daemon.DefaultPool} +\S+i +\S+i +10Gi +1  (advisory|hard)  +yes      loaded$", lines[1]);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public async Task List_Json_HasEveryField()
    {
        var pool = Assert.Single((await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray())!;

        Assert.Equal(
            ["name", "id", "backend", "fileSystem", "path", "image", "default", "loaded", "problem", "sizeBytes", "availableBytes", "promisedBytes", "volumes",
                "snapshots", "limits", "defaultSizeBytes", "minFreeBytes", "overcommit", "liveSnapshot", "maxPauseSeconds", "features", "warnings", "unreadable", "volumeFileSystems", "fragmentationPercent", "deviceErrors", "disk"],
            pool.AsObject().Select(field => field.Key));
        Assert.True((bool)pool["default"]!);
        Assert.Equal(2.0, (double)pool["maxPauseSeconds"]!);
        Assert.Null(pool["problem"]);
        Assert.Contains("snapshots", pool["features"]!.AsArray().Select(feature => (string?)feature));
    }

    [Fact]
    public async Task Inspect_WithUnreadableRecord_ShowsItAndCountsIt()
    {
        await CliRun.OkAsync(_daemon, "volume", "create", "torn");
        await _daemon.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_daemon.DefaultPool, "volumes", "torn", "record.json"), "{");
        await _daemon.StartAgainAsync();

        Assert.Matches(@"(?m)^unreadable +volumes/torn: ", await CliRun.OkAsync(_daemon, "pool", "inspect", "default"));
        Assert.EndsWith("loaded, 1 records unreadable", await CliRun.OkAsync(_daemon, "pool", "ls"), StringComparison.Ordinal);
        Assert.Equal("volumes/torn", (string?)(await CliRun.JsonAsync(_daemon, "pool", "inspect", "default"))["unreadable"]![0]!["path"]);
        Assert.Equal(1, (await CliRun.RunAsync(_daemon, "doctor")).ExitCode);
        Assert.Equal(1, (await CliRun.RunAsync(_daemon, "volume", "create", "torn")).ExitCode);
    }

    [Fact]
    public async Task Inspect_ById_IsTheSame()
    {
        var id = (string?)(await CliRun.JsonAsync(_daemon, "pool", "inspect", "default"))["id"];

        Assert.Matches(@"(?m)^limits +(advisory|hard)$", await CliRun.OkAsync(_daemon, "pool", "inspect", id!));
        Assert.Equal(3, (await CliRun.RunAsync(_daemon, "pool", "inspect", "other")).ExitCode);
    }

    [Fact]
    public async Task Init_NewPool_IsServedAtOnceAndAfterARestart()
    {
        var path = Path.Combine(_daemon.Root, "fast");
        await CliRun.OkAsync(_daemon, "volume", "create", "in-default");

        var text = await CliRun.OkAsync(_daemon, "pool", "init", "fast", "--backend", "overlay2", "--path", path, "--default-size", "5Gi", "--min-free", "1500", "--max-pause", "500ms");

        Assert.Matches(@"(?m)^state +loaded$", text);
        Assert.Matches(@"(?m)^live snapshot +pause, at most 500ms$", text);
        Assert.Equal(5L << 30, (long)(await CliRun.JsonAsync(_daemon, "volume", "create", "in-fast", "--pool", "fast"))["sizeBytes"]!);
        Assert.Equal(
            """{"pools":{"fast":{"backend":"overlay2","path":"PATH","defaultSize":"5Gi","minFree":"1500","maxPause":"00:00:00.5000000"}}}""".Replace("PATH", path, StringComparison.Ordinal),
            DropIn("fast").ToJsonString());

        await _daemon.StartAgainAsync();

        // The embedded default would not be served any more, as soon as any pool is configured.
        Assert.Equal(["default", "fast"], (await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray().Select(pool => (string?)pool!["name"]));
        Assert.Equal(["in-default", "in-fast"], (await CliRun.JsonAsync(_daemon, "volume", "ls")).AsArray().Select(volume => (string?)volume!["name"]));
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(_daemon, "volume", "create", "somewhere"))["pool"]);
        var fast = await CliRun.JsonAsync(_daemon, "pool", "inspect", "fast");
        Assert.Equal((1500, 0.5), ((int)fast["minFreeBytes"]!, (double)fast["maxPauseSeconds"]!));
    }

    [Fact]
    public async Task Init_AsDefault_TakesTheMarkFromTheOther()
    {
        await CliRun.OkAsync(_daemon, "pool", "init", "a", "--backend", "overlay2", "--path", Path.Combine(_daemon.Root, "a"), "--default");
        Assert.Equal("a", (string?)(await CliRun.JsonAsync(_daemon, "volume", "create", "v1"))["pool"]);
        await CliRun.OkAsync(_daemon, "pool", "init", "b", "--backend", "overlay2", "--path", Path.Combine(_daemon.Root, "b"), "--default");
        Assert.Equal("b", (string?)(await CliRun.JsonAsync(_daemon, "volume", "create", "v2"))["pool"]);

        await _daemon.StartAgainAsync();

        Assert.Equal(["b"], (await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray().Where(pool => (bool)pool!["default"]!).Select(pool => (string?)pool!["name"]));
        Assert.Equal(3, (await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray().Count);
    }

    [Fact]
    public async Task Init_WhereSomethingLies_ChangesNothing()
    {
        var path = TestScratch.NewDirectory("full");
        await File.WriteAllTextAsync(Path.Combine(path, "precious"), "data");

        var run = await CliRun.RunAsync(_daemon, "pool", "init", "x", "--backend", "overlay2", "--path", path);

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("is not empty", run.Error, StringComparison.Ordinal);
        Assert.Equal(["precious"], Directory.GetFileSystemEntries(path).Select(Path.GetFileName));
        Assert.False(File.Exists(DropInPath("x")));
        Assert.Single((await CliRun.JsonAsync(_daemon, "pool", "ls")).AsArray());
    }

    [Theory]
    [InlineData(4, "is served already", "default", "--backend", "overlay2", "--path", "/x")]
    [InlineData(2, "say where: --path DIRECTORY; say which backend", "x")]
    [InlineData(2, "is not a pool name", "X", "--backend", "overlay2", "--path", "/x")]
    [InlineData(2, "taken by the bind volumes", "bind", "--backend", "overlay2", "--path", "/x")]
    [InlineData(2, "only a btrfs pool lies in an image", "x", "--backend", "overlay2", "--path", "/x", "--image", "/i", "--image-size", "1Gi")]
    [InlineData(2, "say how large the image is", "x", "--backend", "btrfs", "--path", "/x", "--image", "/i")]
    [InlineData(2, "an image size without an image", "x", "--backend", "btrfs", "--path", "/x", "--image-size", "1Gi")]
    [InlineData(2, "'floppy' not recognized", "x", "--backend", "floppy", "--path", "/x")]
    [InlineData(2, "is not a duration", "x", "--max-pause", "soon")]
    [InlineData(2, "maxPause is 02:00:00; allowed is 00:00:00.010 to 00:01:00", "x", "--backend", "overlay2", "--path", "/x", "--max-pause", "2h")]
    public async Task Init_BadInput_IsRefused(int exitCode, string message, params string[] arguments)
    {
        var run = await CliRun.RunAsync(_daemon, ["pool", "init", .. arguments]);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_PathOfAnotherPool_IsFour()
    {
        var run = await CliRun.RunAsync(_daemon, "pool", "init", "twin", "--backend", "overlay2", "--path", _daemon.DefaultPool);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("as pool 'default'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_ConfigurationNotWritable_ChangesNothing()
    {
        var path = Path.Combine(_daemon.Root, "unconfigured");
        await File.WriteAllTextAsync(_daemon.ConfigurationDirectory, "in the way");

        var run = await CliRun.RunAsync(_daemon, "pool", "init", "x", "--backend", "overlay2", "--path", path);

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("can't be written into the configuration", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public async Task Init_ByNameAlone_MakesAConfiguredPoolThatIsMissing()
    {
        var path = TestScratch.NewPath("configured");
        await using var daemon = await TestDaemon.StartAsync("--pools:main:backend=overlay2", $"--pools:main:path={path}");
        var before = (await CliRun.OkAsync(daemon, "pool", "ls")).Split('\n')[1];
        Assert.Contains("not loaded: the directory", before, StringComparison.Ordinal);
        Assert.Contains("lamina pool init main", before, StringComparison.Ordinal);
        Assert.Equal(7, (await CliRun.RunAsync(daemon, "volume", "create", "v")).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(daemon, "pool", "init", "main", "--backend", "overlay2", "--path", "/elsewhere")).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "pool", "init", "main", "--default")).ExitCode);

        await CliRun.OkAsync(daemon, "pool", "init", "main");

        await CliRun.OkAsync(daemon, "volume", "create", "v");
        Assert.False(Directory.Exists(Path.Combine(daemon.ConfigurationDirectory, "conf.d")));
    }

    [Fact]
    public async Task Init_FirstPoolOfAHostWhoseEmbeddedOneWasNeverMade_BecomesTheDefault()
    {
        // A state directory that exists may be the mount point of a disk that is missing: nothing is made there.
        await _daemon.StopAsync();
        await using var daemon = await TestDaemon.StartAsync($"--stateDirectory={TestScratch.NewDirectory("state")}");

        await CliRun.OkAsync(daemon, "pool", "init", "first", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "first"));
        Assert.Equal("first", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "v"))["pool"]);

        // The one that may be on that disk stays known, and the next pool is no default because of it.
        await CliRun.OkAsync(daemon, "pool", "init", "second", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "second"));
        Assert.Equal("first", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "w"))["pool"]);

        await daemon.StartAgainAsync();
        Assert.Equal(["default: no, not served", "first: default, served", "second: no, served"], await PoolsAsync(daemon));
        Assert.Equal("first", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "x"))["pool"]);
        await _daemon.StartAgainAsync();
    }

    [Fact]
    public async Task Init_WhileTheDiskOfTheEmbeddedPoolIsMissing_LosesNoneOfItsVolumes()
    {
        var id = (string?)(await CliRun.JsonAsync(_daemon, "volume", "create", "v"))["id"];
        await _daemon.StopAsync();
        var disk = _daemon.StateDirectory + ".disk";
        Directory.Move(_daemon.StateDirectory, disk);
        Directory.CreateDirectory(_daemon.StateDirectory);
        await _daemon.StartAgainAsync();
        Assert.Equal(["default: default, not served"], await PoolsAsync(_daemon));

        await CliRun.OkAsync(_daemon, "pool", "init", "other", "--backend", "overlay2", "--path", Path.Combine(_daemon.Root, "other"));

        await _daemon.StartAgainAsync();
        Assert.Equal(["default: no, not served", "other: default, served"], await PoolsAsync(_daemon));
        Assert.Equal(7, (await CliRun.RunAsync(_daemon, "volume", "inspect", id!)).ExitCode);
        await _daemon.StopAsync();
        Directory.Delete(_daemon.StateDirectory);
        Directory.Move(disk, _daemon.StateDirectory);
        await _daemon.StartAgainAsync();
        Assert.Equal(["default: no, served", "other: default, served"], await PoolsAsync(_daemon));
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(_daemon, "volume", "inspect", id!))["pool"]);
    }

    [Fact]
    public async Task Init_WhereTheEmbeddedPoolSurelyNeverWas_KeepsNothingOfIt()
    {
        // A state directory of a daemon's own, in which no default pool is.
        var state = TestScratch.NewDirectory("state");
        await File.WriteAllTextAsync(Path.Combine(state, "forgotten-pools"), "aaaaaaaaaaaaa\n");
        await using var daemon = await TestDaemon.StartAsync($"--stateDirectory={state}");

        await CliRun.OkAsync(daemon, "pool", "init", "first", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "first"));

        await daemon.StartAgainAsync();
        Assert.Equal(["first: default, served"], await PoolsAsync(daemon));
    }

    [Theory]
    [InlineData("y\n", 0)]
    [InlineData("Yes\n", 0)]
    [InlineData("n\n", 1)]
    [InlineData("\n", 1)]
    [InlineData("", 1)]
    public async Task Forget_AtATerminal_Asks(string answer, int exitCode)
    {
        var host = CliRun.HostOf(_daemon.AdminSocket) with { InIsTerminal = true, In = new StringReader(answer) };

        var run = await CliRun.RunAsync(host, "pool", "forget", "aaaaaaaaaaaaa");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains("Forget it? [y/N] ", run.Error, StringComparison.Ordinal);
        Assert.Equal(exitCode == 0 ? 3 : 7, (await CliRun.RunAsync(_daemon, "volume", "inspect", "aaaaaaaaaaaaa.v")).ExitCode);
    }

    [Fact]
    public async Task Forget_WithoutATerminal_NeedsYes()
    {
        var asked = await CliRun.RunAsync(_daemon, "pool", "forget", "aaaaaaaaaaaaa");
        Assert.Equal((2, "lamina: there is nobody to ask: say --yes\n"), (asked.ExitCode, asked.Error));

        Assert.Equal("aaaaaaaaaaaaa", await CliRun.OkAsync(_daemon, "pool", "forget", "aaaaaaaaaaaaa", "--yes"));
    }

    [Fact]
    public async Task Forget_LoadedPoolOrNoId_IsRefused()
    {
        var id = (string?)(await CliRun.JsonAsync(_daemon, "pool", "inspect", "default"))["id"];

        Assert.Equal(5, (await CliRun.RunAsync(_daemon, "pool", "forget", id!, "--yes")).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync(_daemon, "pool", "forget", "default", "--yes")).ExitCode);
    }

    private static async Task<IEnumerable<string>> PoolsAsync(TestDaemon daemon) => (await CliRun.JsonAsync(daemon, "pool", "ls")).AsArray()
        .Select(pool => $"{pool!["name"]}: {((bool)pool["default"]! ? "default" : "no")}, {((bool)pool["loaded"]! ? "served" : "not served")}");

    private string DropInPath(string name) => Path.Combine(_daemon.ConfigurationDirectory, "conf.d", $"pool-{name}.json");

    private JsonNode DropIn(string name) => JsonNode.Parse(File.ReadAllText(DropInPath(name)))!;
}
