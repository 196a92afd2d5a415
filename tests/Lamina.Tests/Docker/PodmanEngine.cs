using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>A real Podman with a root of its own, and without any network.</summary>
public sealed class PodmanEngine : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("podman");
    private bool _isReady;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Sees to it that it has the image <c>bb</c>, and knows a driver.</summary>
    internal async Task EnsureAsync(string driver, string socket)
    {
        Requirements.Command("podman", "podman");
        Requirements.Command("runc", "runc");
        Requirements.Command("busybox", "busybox-static");
        await File.WriteAllTextAsync($"{_root}/containers.conf", $"""
            [containers]
            default_ulimits = ["nofile=20000:20000","nproc=4096:4096"]
            netns = "none"
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            [engine.volume_plugins]
            {driver} = "{socket}"
            """);
        if (_isReady)
            return;
        _isReady = true;
        await OkAsync("import", "-c", "ENV PATH=/bin", "-c", "CMD [\"sh\"]", await EngineImages.BusyboxAsync(), "bb");
    }

    /// <summary>Runs <c>podman</c>, which must succeed.</summary>
    internal async Task<string> OkAsync(params string[] arguments) => (await RunAsync(arguments)).OutOf($"podman {string.Join(' ', arguments)}");

    /// <summary>Runs <c>podman</c>, which must fail.</summary>
    internal async Task<string> RefusedAsync(params string[] arguments) => (await RunAsync(arguments)).ErrorOf($"podman {string.Join(' ', arguments)}");

    /// <summary>Runs <c>podman</c>.</summary>
    internal Task<EngineRun> RunAsync(params string[] arguments) => EngineRun.RunAsync(
        "env", [$"CONTAINERS_CONF={_root}/containers.conf", "podman", "--root", $"{_root}/root", "--runroot", $"{_root}/run", "--tmpdir", $"{_root}/tmp", .. arguments]);

    public async ValueTask DisposeAsync()
    {
        if (_isReady)
            await RunAsync("rm", "-f", "-t", "0", "-a");
        MountCleanup.UnmountBeneath(_root);
    }
}
