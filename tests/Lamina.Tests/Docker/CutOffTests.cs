using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Docker;

/// <summary>
/// The daemon is killed in the middle of a call of a real Docker, which then repeats the call with nothing in it: what comes of that is said, nothing is lost,
/// and the same once more goes well.
/// </summary>
[Collection(typeof(EngineCollection))]
public sealed class CutOffTests(DockerEngine docker) : IAsyncLifetime
{
    private const string Said = "the daemon ended in the middle of it, and the engine repeats such a call without its content; do it once more";
    private LoopDisk _disk = null!;
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        _host = await EngineHost.StartAsync(CsiPools.OverlayAt("disk", _disk.NewDirectory("pool")));
    }

    public async ValueTask DisposeAsync()
    {
        await docker.RunAsync("rm", "-f", "cut");
        await _host.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Fact]
    public async Task Calls_InWhoseMiddleTheDaemonIsKilled_EndWithTheReasonAndCanBeRepeated()
    {
        Assert.Contains(Said, await CutOffAsync("volume", "create", "-d", _host.Driver, "-o", "pool=disk", "--label", "keep=me", "data"), StringComparison.Ordinal);
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "-o", "pool=disk", "--label", "keep=me", "data");
        await docker.OkAsync("create", "--name", "cut", "--network", "none", "-v", "data:/content", "bb", "sh", "-c", "echo more >> /content/file; cat /content/file");
        await docker.OkAsync("start", "-a", "cut");

        Assert.Contains(Said, await CutOffAsync("start", "-a", "cut"), StringComparison.Ordinal);
        Assert.Equal("from the image\nmore\nmore", await docker.OkAsync("start", "-a", "cut"));
        Assert.Equal("me", await docker.OkAsync("volume", "inspect", "-f", "{{.Labels.keep}}", "data"));
        Assert.Contains("volume is in use", await docker.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);
        await docker.OkAsync("rm", "cut");

        Assert.Contains(Said, await CutOffAsync("volume", "rm", "data"), StringComparison.Ordinal);
        // It may have been deleted in time.
        await docker.RunAsync("volume", "rm", "data");
        Assert.DoesNotContain(_host.Driver, await docker.OkAsync("volume", "ls"), StringComparison.Ordinal);
        Assert.Equal("[]", await _host.OkAsync("volume", "ls", "-o", "json"));
    }

    // Its disk stands still, so the call is at work on it when the daemon dies.
    private async Task<string> CutOffAsync(params string[] command)
    {
        using var frozen = new FrozenFileSystem(_disk.MountPoint);
        var refused = docker.RefusedAsync(command);
        await Eventually.TrueAsync(() => IsAtWorkAsync().GetAwaiter().GetResult(), "the call is at work");
        using (var process = ProcessHandle.Open(_host.Daemon.Pid))
            process.TrySignal(Signal.Kill);
        frozen.Dispose();
        _host.Daemon.Kill();
        await _host.Daemon.StartAsync();
        return await refused;
    }

    private async Task<bool> IsAtWorkAsync()
    {
        var run = await _host.RunAsync("volume", "inspect", "data", "-o", "json");
        return run.ExitCode == 0 ? run.Json["operations"] is { } operations && operations.AsArray().Count > 0 : run.Error.Contains("this is going on since", StringComparison.Ordinal);
    }
}
