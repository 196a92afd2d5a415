using Lamina.Testing;

namespace Lamina.Tests.Cli;

/// <summary>Host directories as volumes, by the command line; and when the daemon makes the pool that holds their records.</summary>
public sealed class BindVolumeCommandTests
{
    private readonly string _root = TestScratch.NewDirectory("served");

    [Fact]
    public async Task BindVolume_FromCreateToRemove_ServesTheDirectoryAndLeavesIt()
    {
        await using var daemon = await StartAsync();
        var directory = Directory.CreateDirectory(Path.Combine(_root, "x")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, "file"), "the host's");

        var volume = await CliRun.JsonAsync(daemon, "volume", "create", "v", "--param", $"source={directory}");
        Assert.Equal("bind", (string?)volume["pool"]);
        Assert.Null(volume["sizeBytes"]);
        Assert.Equal(directory, (string?)volume["parameters"]!["source"]);
        await daemon.StartAgainAsync();
        var path = await CliRun.OkAsync(daemon, "volume", "attach", "v");
        Assert.Equal("the host's", await File.ReadAllTextAsync(Path.Combine(path, "file")));

        foreach (var refused in (string[][])[["snapshot", "create", "v", "s"], ["volume", "clone", "v", "w"], ["volume", "resize", "v", "1Gi"], ["volume", "rm", "v"]])
            Assert.Equal(5, (await CliRun.RunAsync(daemon, refused)).ExitCode);
        await CliRun.OkAsync(daemon, "volume", "detach", "v");
        await CliRun.OkAsync(daemon, "volume", "rm", "v");
        Assert.Equal("the host's", await File.ReadAllTextAsync(Path.Combine(directory, "file")));
    }

    [Fact]
    public async Task PoolList_WithRoots_HasThePoolOfBindVolumes()
    {
        await using var daemon = await StartAsync();

        Assert.Matches($@"(?m)^bind +[a-z2-7]{{13}}  bind +\S+ +{daemon.StateDirectory}/bind .* none +- +loaded$", await CliRun.OkAsync(daemon, "pool", "ls"));
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "v"))["pool"]);
    }

    [Fact]
    public async Task Create_OfThePoolsOwnDirectories_IsRefused()
    {
        await using var daemon = await TestDaemon.StartAsync($"--bindRoots:0={Path.GetDirectoryName(_root)}");
        foreach (var own in (string[])[daemon.Root, daemon.RuntimeDirectory, daemon.StateDirectory, daemon.DefaultPool, Path.Combine(daemon.DefaultPool, "volumes")])
        {
            var run = await CliRun.RunAsync(daemon, "volume", "create", "v", "--param", $"source={own}");
            Assert.Equal(2, run.ExitCode);
            Assert.Contains("is Lamina's own", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Create_WithoutRoots_SaysHowToAllowIt()
    {
        await using var daemon = await TestDaemon.StartAsync();

        var run = await CliRun.RunAsync(daemon, "volume", "create", "v", "--param", $"source={_root}");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("naming their roots in \"bindRoots\" of the configuration, such as [\"/data\"]", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pool_OnAHostWhoseDaemonHadNoRootsBefore_IsMade()
    {
        await using var before = await TestDaemon.StartAsync();
        await before.StopAsync();
        await using var daemon = await StartAsync($"--stateDirectory={before.StateDirectory}");

        await CliRun.OkAsync(daemon, "volume", "create", "v", "--param", $"source={_root}");
    }

    [Theory]
    [InlineData("state")]
    [InlineData("")]
    public async Task Pool_WhereTheStatesDiskMayBeMissing_IsNotMadeAndSaysWhatToDo(string beneath)
    {
        // An empty directory is what the mount point of a disk looks like that is not mounted.
        var state = Path.Combine(TestScratch.NewDirectory("disk"), beneath);
        await using var daemon = await StartAsync($"--stateDirectory={state}", "--pools:main:backend=overlay2", $"--pools:main:path={TestScratch.NewPath("main")}");

        var run = await CliRun.RunAsync(daemon, "volume", "create", "v", "--param", $"source={_root}");

        Assert.Equal(7, run.ExitCode);
        Assert.Contains($"the directory {Path.Combine(state, "bind")} does not exist; is its disk mounted? To make a new pool there: lamina pool init bind", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(state, "bind")));
        await CliRun.OkAsync(daemon, "pool", "init", "bind");
        await CliRun.OkAsync(daemon, "volume", "create", "v", "--param", $"source={_root}");
        await daemon.StartAgainAsync();
        Assert.Equal("v", (string?)Assert.Single((await CliRun.JsonAsync(daemon, "volume", "ls")).AsArray())!["name"]);
    }

    [Fact]
    public async Task Pool_ThatWasThere_IsNeverMadeAnew()
    {
        await using var daemon = await StartAsync();
        await CliRun.OkAsync(daemon, "volume", "create", "v", "--param", $"source={_root}");
        var pool = Path.Combine(daemon.StateDirectory, "bind");
        await daemon.StopAsync();
        Directory.Move(pool, pool + ".away");
        Directory.CreateDirectory(pool);

        await daemon.StartAgainAsync();

        Assert.Equal(7, (await CliRun.RunAsync(daemon, "volume", "create", "v", "--param", $"source={_root}")).ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(pool));
        await daemon.StopAsync();
        Directory.Delete(pool);
        Directory.Move(pool + ".away", pool);
        await daemon.StartAgainAsync();
        await CliRun.OkAsync(daemon, "volume", "inspect", "v");
    }

    private Task<TestDaemon> StartAsync(params string[] arguments) => TestDaemon.StartAsync([$"--bindRoots:0={_root}", .. arguments]);
}
