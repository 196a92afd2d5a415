using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Docker;

/// <summary>A pool whose disk comes late, under a real Docker: it must not forget the volumes there meanwhile, or what it knows of them.</summary>
[Collection(typeof(EngineCollection))]
public sealed class LatePoolTests(DockerEngine docker) : IAsyncLifetime
{
    private readonly string _pool = TestScratch.NewDirectory("pool");
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _host = await EngineHost.StartAsync(CsiPools.OverlayAt("late", _pool));
    }

    public async ValueTask DisposeAsync()
    {
        await docker.RunAsync("rm", "-f", "late");
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Volume_OfAPoolThatIsMissingForAWhile_KeepsItsLabelsAndItsContainers()
    {
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "-o", "pool=late", "--label", "keep=me", "data");
        await docker.OkAsync("create", "--name", "late", "--network", "none", "-v", "data:/content", "bb", "cat", "/content/file");
        await docker.OkAsync("start", "-a", "late");
        await _host.Daemon.StopAsync();
        Directory.Move(_pool, $"{_pool}-away");
        await _host.Daemon.StartAsync();

        // It waits, and then says nothing that Docker could take for the word that there is none.
        var refused = await docker.RefusedAsync("volume", "inspect", "data");
        Assert.DoesNotContain("no such volume", refused, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("there is no volume 'data' in the pools that are served, but pool 'late' is not, and may hold it: ", _host.Daemon.Log, StringComparison.Ordinal);

        // Who asks while it comes is answered when it is there.
        var asked = docker.OkAsync("volume", "inspect", "-f", "{{.Labels.keep}}", "data");
        Directory.Move($"{_pool}-away", _pool);
        Assert.Equal("me", await asked);
        Assert.Contains("volume is in use", await docker.RefusedAsync("volume", "rm", "data"), StringComparison.Ordinal);
        Assert.Equal("from the image", await docker.OkAsync("start", "-a", "late"));
        await docker.OkAsync("rm", "late");
        await docker.OkAsync("volume", "rm", "data");
    }
}
