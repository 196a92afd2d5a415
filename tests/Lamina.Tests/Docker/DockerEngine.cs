using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>A real Docker with a root and a socket of its own, and without any network. Started when it is first asked for.</summary>
public sealed class DockerEngine : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("dockerd");
    private Process? _process;

    /// <summary>Where it listens.</summary>
    internal string Socket => $"unix://{_root}/docker.sock";

    private string LogFile => $"{_root}/log";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Sees to it that it runs and has the image <c>bb</c>.</summary>
    internal async Task EnsureAsync(params string[] arguments)
    {
        Requirements.Command("dockerd", "docker.io");
        Requirements.Command("busybox", "busybox-static");
        if (_process is { HasExited: false })
            return;
        await StartAsync(arguments);
        if (!(await OkAsync("images", "-q", "bb")).Any())
            await ImportAsync("bb", await EngineImages.BusyboxAsync());
    }

    /// <summary>Makes an image of a root directory in a tar file.</summary>
    internal Task ImportAsync(string name, string tar) => OkAsync("import", "-c", "ENV PATH=/bin:/pg", "-c", "CMD [\"sh\"]", tar, name);

    /// <summary>Runs <c>docker</c>, which must succeed.</summary>
    internal async Task<string> OkAsync(params string[] arguments) => (await RunAsync(arguments)).OutOf($"docker {string.Join(' ', arguments)}");

    /// <summary>Runs <c>docker</c>, which must fail.</summary>
    internal async Task<string> RefusedAsync(params string[] arguments) => (await RunAsync(arguments)).ErrorOf($"docker {string.Join(' ', arguments)}");

    /// <summary>Runs <c>docker</c>.</summary>
    internal Task<EngineRun> RunAsync(params string[] arguments) => EngineRun.RunAsync("docker", ["-H", Socket, .. arguments]);

    /// <summary>Runs a line as a person types it, with <c>docker</c> being this one.</summary>
    internal async Task<string> ShellAsync(string line, params (string Name, string Value)[] variables) =>
        (await EngineRun.RunAsync("env", [$"DOCKER_HOST={Socket}", .. variables.Select(variable => $"{variable.Name}={variable.Value}"), "bash", "-c", line])).OutOf(line);

    /// <summary>Kills it, as a crash does: nobody is told of anything.</summary>
    internal void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
        // It takes its containerd with it. Where nobody reaps that at once, the next dockerd would take it for alive by its file.
        var file = $"{_root}/exec/containerd/containerd.pid";
        var containerd = int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
        while (ProcessTable.TryRead(containerd) is { State: not 'Z' })
            Thread.Sleep(10);
        File.Delete(file);
    }

    /// <summary>Stops it in order.</summary>
    internal async Task StopAsync()
    {
        using (var handle = ProcessHandle.Open(_process!.Id))
            handle.TrySignal(Signal.Terminate);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await EngineRun.RunAsync("bash", "-c", $"docker -H {Socket} ps -aq | xargs -r docker -H {Socket} rm -f -v");
            await StopAsync();
        }
        foreach (var process in ProcessTable.List().Where(IsOurs))
        {
            using var handle = ProcessHandle.Open(process);
            handle.TrySignal(Signal.Kill);
        }
        await Eventually.TrueAsync(() => !ProcessTable.List().Any(IsOurs), "all of Docker's processes are gone");
        MountCleanup.UnmountBeneath(_root);
    }

    /// <summary>Starts it, and waits until it answers.</summary>
    internal async Task StartAsync(params string[] arguments)
    {
        await File.WriteAllTextAsync($"{_root}/daemon.json", "{}");
        string[] command =
        [
            "dockerd", "--config-file", $"{_root}/daemon.json", "--data-root", $"{_root}/data", "--exec-root", $"{_root}/exec", "--pidfile", $"{_root}/pid", "-H", Socket,
            "--bridge=none", "--iptables=false", "--ip6tables=false", "--shutdown-timeout", "3", .. arguments,
        ];
        File.Delete($"{_root}/pid");
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", LogFile, .. command]) { WorkingDirectory = "/" };
#pragma warning disable RS0030 // A ChildProcess is waited for; this one is killed in the middle of its work.
        _process = Process.Start(start)!;
#pragma warning restore RS0030
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await RunAsync("info")).ExitCode != 0)
        {
            Assert.False(_process.HasExited || limit.IsCancellationRequested, $"dockerd does not answer:\n{await File.ReadAllTextAsync(LogFile)}");
            await Task.Delay(100);
        }
    }

    // containerd and its shims, which outlive a dockerd that is killed: all have the root in their command line.
    private bool IsOurs(int pid)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/cmdline")).Contains(_root, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
