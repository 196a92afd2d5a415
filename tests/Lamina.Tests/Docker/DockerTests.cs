using System.Text.Json.Nodes;
using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>Volumes of a real Docker, in whose words a person meets them.</summary>
[Collection(typeof(EngineCollection))]
public sealed class DockerTests(DockerEngine docker) : IAsyncLifetime
{
    // Ended at once by whatever stops it.
    private static readonly string[] s_idle = ["--network", "none", "--stop-signal", "KILL"];
    private readonly string _hostRoot = TestScratch.NewDirectory("host");
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _host = await EngineHost.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await docker.EnsureAsync();
        foreach (var container in (await docker.OkAsync("ps", "-aq")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await docker.RunAsync("rm", "-f", "-v", container);
        // Docker remembers which driver had a name, and asks it though it is gone.
        foreach (var volume in (await docker.OkAsync("volume", "ls", "-q", "-f", $"driver={_host.Driver}")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await docker.RunAsync("volume", "rm", volume);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Volume_WithTheContentOfAnImage_IsFilledOnceAndKeepsOwnersAndWhatIsWritten()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "-o", "size=64Mi", "data");

        Assert.Equal("from the image\n1000 1000", await RunAsync("-v", "data:/content", "bb", "sh", "-c", "cat /content/file; stat -c '%u %g' /content"));
        await RunAsync("-v", "data:/content", "bb", "sh", "-c", "echo changed > /content/file");
        Assert.Equal("changed", await RunAsync("-v", "data:/content", "bb", "cat", "/content/file"));
        Assert.Equal("from the image", await RunAsync("-v", "unmade:/content", "--volume-driver", _host.Driver, "bb", "cat", "/content/file"));
        Assert.Equal("", await RunAsync("--mount", $"type=volume,src=bare,dst=/content,volume-driver={_host.Driver},volume-nocopy", "bb", "ls", "/content"));

        Assert.Null(await _host.PathOfAsync("data"));
        var inspected = JsonNode.Parse(await docker.OkAsync("volume", "inspect", "data"))![0]!;
        Assert.Equal((_host.Driver, "64Mi", "default"), ((string)inspected["Driver"]!, (string)inspected["Status"]!["size"]!, (string)inspected["Status"]!["pool"]!));
        await docker.OkAsync("volume", "rm", "data", "bare", "unmade");
        Assert.DoesNotContain(_host.Driver, await docker.OkAsync("volume", "ls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Volume_OfTwoContainers_IsOneAndStaysUntilTheLastHasEnded()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "shared");
        var writer = await StartAsync("-v", "shared:/d");
        var reader = await StartAsync("-v", "shared:/d:ro");

        await docker.OkAsync("exec", writer, "sh", "-c", "echo hello > /d/file");
        Assert.Equal("hello", await docker.OkAsync("exec", reader, "cat", "/d/file"));
        Assert.Contains("Read-only file system", await docker.RefusedAsync("exec", reader, "touch", "/d/other"), StringComparison.Ordinal);
        Assert.Contains("volume is in use", await docker.RefusedAsync("volume", "rm", "shared"), StringComparison.Ordinal);
        await docker.OkAsync("rm", "-f", writer);
        Assert.NotNull(await _host.PathOfAsync("shared"));
        Assert.Equal("hello", await docker.OkAsync("exec", reader, "cat", "/d/file"));

        await docker.OkAsync("rm", "-f", reader);
        Assert.Null(await _host.PathOfAsync("shared"));
        await docker.OkAsync("volume", "rm", "shared");
    }

    [Fact]
    public async Task Volume_WithoutAName_GoesWithItsContainer()
    {
        Assert.Equal("x", await RunAsync("--volume-driver", _host.Driver, "-v", "/d", "bb", "sh", "-c", "echo x > /d/f; cat /d/f"));
        Assert.DoesNotContain(_host.Driver, await docker.OkAsync("volume", "ls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_AtTheCommandLine_SayWhatToDo()
    {
        Assert.Equal(
            "Error response from daemon: create v: VolumeDriver.Create: unknown option 'sized'; known are size, pool, from, clone, fsType, compression, and type=bind with source",
            await docker.RefusedAsync("volume", "create", "-d", _host.Driver, "-o", "sized=1Gi", "v"));
        await _host.OkAsync("volume", "create", "theirs");
        Assert.Contains("a volume 'theirs' exists already; it was made through Cli, not Docker", await docker.RefusedAsync("volume", "create", "-d", _host.Driver, "theirs"), StringComparison.Ordinal);
        Assert.Contains("bind volumes are switched off", await docker.RefusedAsync("volume", "create", "-d", _host.Driver, "-o", "type=bind", "-o", $"source={_hostRoot}", "v"), StringComparison.Ordinal);
        Assert.DoesNotContain(_host.Driver, await docker.OkAsync("volume", "ls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copies_InAndOutOfARunningContainer_DoNotEndItsVolume()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        await File.WriteAllTextAsync($"{_hostRoot}/in", "put");

        for (var round = 0; round < 2; round++)
        {
            await docker.OkAsync("cp", $"{_hostRoot}/in", $"{container}:/content/in");
            await docker.OkAsync("cp", $"{container}:/content/in", $"{_hostRoot}/out");
        }

        Assert.Equal("put", await File.ReadAllTextAsync($"{_hostRoot}/out"));
        Assert.NotNull(await _host.PathOfAsync("data"));
        Assert.Equal("put", await docker.OkAsync("exec", container, "cat", "/content/in"));
        await docker.OkAsync("rm", "-f", container);
        Assert.Null(await _host.PathOfAsync("data"));
        await docker.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task Daemon_KilledAndStartedAgainUnderAContainer_GoesOnWithIt()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        _host.Daemon.Kill();
        await docker.OkAsync("exec", container, "sh", "-c", "echo meanwhile > /content/file");
        await _host.Daemon.StartAsync();

        Assert.NotNull(await _host.PathOfAsync("data"));
        Assert.Equal("meanwhile", await RunAsync("-v", "data:/content", "bb", "cat", "/content/file"));
        Assert.NotNull(await _host.PathOfAsync("data"));
        await docker.OkAsync("rm", "-f", container);
        Assert.Null(await _host.PathOfAsync("data"));
        await docker.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task Container_ThatEndsWhileTheDaemonIsDown_LeavesNoHolderBehind()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        Assert.Equal(0, await _host.Daemon.StopAsync());
        await docker.RunAsync("kill", container);
        await Eventually.TrueAsync(() => docker.RunAsync("inspect", "-f", "{{.State.Running}}", container).GetAwaiter().GetResult().Out.Contains("false", StringComparison.Ordinal), "the container has ended");

        await _host.Daemon.StartAsync();

        await Eventually.TrueAsync(() => _host.PathOfAsync("data").GetAwaiter().GetResult() is null, "the holder is dropped");
        await docker.OkAsync("start", container);
        Assert.Equal("from the image", await docker.OkAsync("exec", container, "cat", "/content/file"));
        await docker.OkAsync("rm", "-f", container);
        Assert.Null(await _host.PathOfAsync("data"));
        await docker.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task Docker_KilledAndStartedAgain_StartsItsContainersWithTheirVolumesAndLetsGoOfThem()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        docker.Kill();
        await docker.StartAsync();

        await docker.OkAsync("start", container);
        Assert.Equal("from the image", await docker.OkAsync("exec", container, "cat", "/content/file"));
        await docker.OkAsync("rm", "-f", container);
        Assert.Null(await _host.PathOfAsync("data"));

        // And one whose container is never started again: Docker itself says that nobody has the volume.
        container = await StartAsync("-v", "data:/content");
        docker.Kill();
        await docker.StartAsync();
        await docker.OkAsync("rm", "-f", container);
        await docker.OkAsync("volume", "rm", "data");
        Assert.DoesNotContain("data", await _host.OkAsync("volume", "ls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Docker_RestartedUnderALiveContainer_EndsItsVolumeWithIt()
    {
        await docker.StopAsync();
        await docker.EnsureAsync("--live-restore");
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        await docker.StopAsync();
        await docker.EnsureAsync("--live-restore");

        await docker.OkAsync("exec", container, "sh", "-c", "echo alive > /content/file");
        Assert.NotNull(await _host.PathOfAsync("data"));
        await docker.OkAsync("rm", "-f", container);
        Assert.Null(await _host.PathOfAsync("data"));
        await docker.OkAsync("volume", "rm", "data");
        await docker.StopAsync();
    }

    [Fact]
    public async Task Docker_KilledUnderALiveContainer_EndsItsVolumeWithIt()
    {
        await docker.StopAsync();
        await docker.EnsureAsync("--live-restore");
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("-v", "data:/content");
        docker.Kill();
        await docker.EnsureAsync("--live-restore");

        Assert.Contains("volume is in use", await docker.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);
        await docker.OkAsync("exec", container, "sh", "-c", "echo alive > /content/file");
        Assert.NotNull(await _host.PathOfAsync("data"));
        await docker.OkAsync("rm", "-f", container);
        await Eventually.TrueAsync(() => _host.PathOfAsync("data").GetAwaiter().GetResult() is null, "the holder is gone");
        await docker.OkAsync("volume", "rm", "data");
        await docker.StopAsync();
    }

    [Fact]
    public async Task Container_ThatIsAlwaysStarted_HasItsVolumeAfterARestartOfDockerAndAfterTheDeathOfBoth()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await StartAsync("--restart=always", "-v", "data:/content");
        await docker.OkAsync("exec", container, "sh", "-c", "echo kept > /content/file");
        await docker.StopAsync();
        await docker.StartAsync();
        await Eventually.TrueAsync(() => docker.RunAsync("exec", container, "cat", "/content/file").GetAwaiter().GetResult().Out == "kept\n", "the container runs again");

        docker.Kill();
        _host.Daemon.Kill();
        await _host.Daemon.StartAsync();
        await docker.StartAsync();

        await Eventually.TrueAsync(() => docker.RunAsync("exec", container, "cat", "/content/file").GetAwaiter().GetResult().Out == "kept\n", "the container runs again");
        Assert.NotNull(await _host.PathOfAsync("data"));
        await docker.OkAsync("rm", "-f", container);
        await docker.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task Container_ThatIsStopped_IsCopiedInAndOutOfAndStartsWhileTheDaemonIsOnlyComing()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        var container = await docker.OkAsync("create", "--network", "none", "-v", "data:/content", "bb", "cat", "/content/file", "/content/in");
        await File.WriteAllTextAsync($"{_hostRoot}/in", "put");
        await docker.OkAsync("cp", $"{_hostRoot}/in", $"{container}:/content/in");
        await docker.OkAsync("cp", $"{container}:/content/in", $"{_hostRoot}/out");
        Assert.Equal("put", await File.ReadAllTextAsync($"{_hostRoot}/out"));
        Assert.Null(await _host.PathOfAsync("data"));
        Assert.Equal(0, await _host.Daemon.StopAsync());

        var started = docker.OkAsync("start", "-a", container);
        await _host.Daemon.StartAsync();

        Assert.Equal("from the image\nput", await started);
        await docker.OkAsync("rm", container);
        await docker.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task RestoreInPlace_UnderAContainer_SaysWhoseItIs()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        await _host.OkAsync("snapshot", "create", "data", "then");
        var container = await StartAsync("-v", "data:/content");

        var refused = await _host.RunAsync("snapshot", "restore", "--in-place", "then");

        Assert.Equal(5, refused.ExitCode);
        Assert.EndsWith(" is in use by a container of Docker; see: docker ps -a --filter volume=data\n", refused.Error, StringComparison.Ordinal);
        await docker.OkAsync("rm", "-f", container);
        await docker.OkAsync("volume", "rm", "data");
    }

    private Task<string> RunAsync(params string[] arguments) => docker.OkAsync(["run", "--rm", "--network", "none", .. arguments]);

    private Task<string> StartAsync(params string[] arguments) => docker.OkAsync(["run", "-d", .. s_idle, .. arguments, "bb", "sleep", "1000"]);
}
