namespace Lamina.Tests.Docker;

/// <summary>Docker and Podman on one host, with one volume.</summary>
[Collection(typeof(EngineCollection))]
public sealed class TwoEnginesTests(DockerEngine docker, PodmanEngine podman) : IAsyncLifetime
{
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _host = await EngineHost.StartAsync();
        await podman.EnsureAsync(_host.Driver, _host.Socket);
    }

    public async ValueTask DisposeAsync()
    {
        await docker.RunAsync("rm", "-f", "both");
        await podman.RunAsync("rm", "-f", "-t", "0", "-a");
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Volume_OfBoth_IsRemovedByNeitherUnderTheOther()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "data");
        await podman.OkAsync("volume", "reload");
        await docker.OkAsync("run", "-d", "--name", "both", "--network", "none", "--stop-signal", "KILL", "-v", "data:/content", "bb", "sleep", "1000");
        var container = await podman.OkAsync("run", "-d", "-v", "data:/content", "bb", "sleep", "1000");
        await podman.OkAsync("exec", container, "sh", "-c", "echo of both > /content/file");
        Assert.Equal("of both", await docker.OkAsync("exec", "both", "cat", "/content/file"));
        await docker.OkAsync("rm", "-f", "both");

        Assert.Contains("is in use by a container of Podman; see: podman ps -a --filter volume=data", await docker.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);

        Assert.Equal("of both", await podman.OkAsync("exec", container, "cat", "/content/file"));
        await docker.OkAsync("run", "-d", "--name", "both", "--network", "none", "--stop-signal", "KILL", "-v", "data:/content", "bb", "sleep", "1000");
        await podman.OkAsync("rm", "-f", "-t", "0", container);

        Assert.Contains("is in use by a container of Docker; see: docker ps -a --filter volume=data", await podman.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);

        Assert.Equal("of both", await docker.OkAsync("exec", "both", "cat", "/content/file"));
        await docker.OkAsync("rm", "-f", "both");
        await docker.OkAsync("volume", "rm", "data");
    }
}
