using System.Text.Json.Nodes;

namespace Lamina.Tests.Docker;

/// <summary>Volumes of a real Podman.</summary>
[Collection(typeof(EngineCollection))]
public sealed class PodmanTests(PodmanEngine podman) : IAsyncLifetime
{
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await EngineHost.StartAsync();
        await podman.EnsureAsync(_host.Driver, _host.Socket);
    }

    public async ValueTask DisposeAsync()
    {
        await podman.RunAsync("rm", "-f", "-t", "0", "-a");
        await podman.RunAsync("volume", "rm", "-a");
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Volume_OfTwoContainers_IsOneAndStaysUntilTheLastHasEnded()
    {
        await podman.OkAsync("volume", "create", "--driver", _host.Driver, "--opt", "size=64Mi", "data");
        Assert.Equal("from the image", await podman.OkAsync("run", "--rm", "-v", "data:/content", "bb", "cat", "/content/file"));
        var first = await podman.OkAsync("run", "-d", "-v", "data:/content", "bb", "sleep", "1000");
        var second = await podman.OkAsync("run", "-d", "-v", "data:/content:ro", "bb", "sleep", "1000");

        await podman.OkAsync("exec", first, "sh", "-c", "echo hello > /content/file");
        Assert.Equal("hello", await podman.OkAsync("exec", second, "cat", "/content/file"));
        Assert.Contains("Read-only file system", await podman.RefusedAsync("exec", second, "touch", "/content/x"), StringComparison.Ordinal);
        Assert.Contains("volume is being used", await podman.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);
        await podman.OkAsync("cp", $"{first}:/content/file", $"{_host.Daemon.Root}/out");
        await podman.OkAsync("rm", "-f", "-t", "0", first);
        Assert.Equal("hello", await podman.OkAsync("exec", second, "cat", "/content/file"));
        Assert.NotNull(await _host.PathOfAsync("data"));

        await podman.OkAsync("rm", "-f", "-t", "0", second);
        Assert.Null(await _host.PathOfAsync("data"));
        Assert.Equal("64Mi", (string?)JsonNode.Parse(await podman.OkAsync("volume", "inspect", "data"))![0]!["Status"]!["size"]);
        await podman.OkAsync("volume", "rm", "data");
    }

    [Fact]
    public async Task Errors_AtTheCommandLine_SayWhatToDo()
    {
        Assert.EndsWith("unknown option 'sized'; known are size, pool, from, clone, fsType, compression, and type=bind with source",
            await podman.RefusedAsync("volume", "create", "--driver", _host.Driver, "--opt", "sized=1Gi", "v"), StringComparison.Ordinal);
        Assert.DoesNotContain(_host.Driver, await podman.OkAsync("volume", "ls"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prune_ByPodman_TakesNothingThatAnotherDoorMade()
    {
        await _host.OkAsync("volume", "create", "claim");
        await podman.OkAsync("volume", "create", "--driver", _host.Driver, "loose");
        // It learns of all volumes that the driver lists.
        await podman.OkAsync("volume", "reload");

        await podman.OkAsync("volume", "prune", "-f");

        var left = await _host.OkAsync("volume", "ls");
        Assert.Contains("claim", left, StringComparison.Ordinal);
        Assert.DoesNotContain("loose", left, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Daemon_KilledAndStartedAgainUnderAContainer_GoesOnWithIt()
    {
        await podman.OkAsync("volume", "create", "--driver", _host.Driver, "data");
        var container = await podman.OkAsync("run", "-d", "-v", "data:/content", "bb", "sleep", "1000");
        _host.Daemon.Kill();
        await _host.Daemon.StartAsync();

        await podman.OkAsync("exec", container, "sh", "-c", "echo on > /content/file");
        Assert.NotNull(await _host.PathOfAsync("data"));
        await podman.OkAsync("rm", "-f", "-t", "0", container);
        Assert.Null(await _host.PathOfAsync("data"));
        await podman.OkAsync("volume", "rm", "data");
    }
}
