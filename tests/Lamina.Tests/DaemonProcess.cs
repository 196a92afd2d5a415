using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Wire = Csi.V1;

namespace Lamina.Tests;

/// <summary>
/// <c>lamina serve</c> as a process of its own, on directories and sockets of its own: to be killed, and started again on the same ones. In the
/// end it is killed and what it mounted is unmounted.
/// </summary>
internal sealed partial class DaemonProcess(params string[] arguments) : IAsyncDisposable
{
    private Process? _process;

    /// <summary>Holds everything of this daemon but its pools.</summary>
    internal string Root { get; } = TestScratch.NewDirectory("daemon");

    internal string RuntimeDirectory => Path.Combine(Root, "run");

    internal string CsiSocket => Path.Combine(RuntimeDirectory, "csi.sock");

    internal string AdminSocket => Path.Combine(RuntimeDirectory, "admin.sock");

    /// <summary>What all of its lives said.</summary>
    internal string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>A program with arguments that becomes the daemon in surroundings of its own; none: it begins in ours.</summary>
    internal IReadOnlyList<string> Launcher { get; set; } = [];

    private string LogFile => Path.Combine(Root, "log");

    /// <summary>Its number.</summary>
    internal int Pid => _process!.Id;

    /// <summary>That of the process that it keeps beside it.</summary>
    internal int? WatcherPid => ProcessTable.List().Select(ProcessTable.TryRead).FirstOrDefault(process => process?.ParentPid == Pid)?.Pid;

    /// <summary>Starts it, and waits until it has read its pools.</summary>
    internal async Task StartAsync()
    {
        Launch();
        await ReadyAsync(CsiSocket);
    }

    /// <summary>Whether it has ended by itself.</summary>
    internal bool HasExited => _process is not { HasExited: false };

    /// <summary>Waits until it has read its pools.</summary>
    /// <param name="socket">Where it listens.</param>
    internal async Task ReadyAsync(string socket)
    {
        using var channel = UnixChannel.To(socket);
        var identity = new Wire.Identity.IdentityClient(channel);
        using var limit = new CancellationTokenSource(Eventually.Limit);
        while (!await IsReadyAsync(identity))
        {
            Assert.False(_process!.HasExited || limit.IsCancellationRequested, $"the daemon does not serve:\n{Log}");
            await Task.Delay(10);
        }
    }

    /// <summary>Waits until it has said something, without a call.</summary>
    internal Task LogsAsync(string text) => Eventually.TrueAsync(() => Log.Contains(text, StringComparison.Ordinal), $"the daemon says '{text}'");

    /// <summary>Where it gives metrics and health, once it listens.</summary>
    internal async Task<Uri> MetricsAddressAsync()
    {
        await Eventually.TrueAsync(() => ListeningAt().IsMatch(Log), "the daemon says where it listens");
        return new Uri(ListeningAt().Match(Log).Groups[1].Value);
    }

    /// <summary>Starts it, and waits for nothing.</summary>
    /// <param name="environment">Variables that it has besides ours.</param>
    internal void Launch(params IEnumerable<KeyValuePair<string, string?>> environment)
    {
        string[] serve =
        [
            .. Launcher, LaminaProcess.Path, "serve", $"--runtimeDirectory={RuntimeDirectory}", $"--stateDirectory={Root}/state", $"--configurationDirectory={Root}/etc",
            $"--csi:endpoint=unix://{CsiSocket}", "--metrics:address=none", "--nodeName=node-1", .. arguments,
        ];
        // The shell becomes the daemon: a file takes all that it says, also what it says while nobody reads.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", LogFile, .. serve]) { WorkingDirectory = "/" };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
#pragma warning disable RS0030 // A ChildProcess is waited for; this one is killed in the middle of its work.
        _process = Process.Start(start)!;
#pragma warning restore RS0030
    }

    /// <summary>Waits until it has ended by itself.</summary>
    /// <returns>How it ended.</returns>
    internal async Task<int> EndAsync()
    {
        await _process!.WaitForExitAsync(TestContext.Current.CancellationToken);
        var exitCode = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return exitCode;
    }

    /// <summary>Kills it, so that nothing of its own can happen any more, and waits until it is gone.</summary>
    internal void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Tells it to end, as an init system does.</summary>
    internal void Terminate()
    {
        using var handle = ProcessHandle.Open(_process!.Id);
        handle.TrySignal(Signal.Terminate);
    }

    /// <summary>Tells it to end, as an init system does, and waits until it has.</summary>
    /// <returns>How it ended.</returns>
    internal Task<int> StopAsync()
    {
        Terminate();
        return EndAsync();
    }

    /// <summary>How many times each message was logged that tells of a fault.</summary>
    internal IEnumerable<string> Faults() => Log.Split('\n').Where(line =>
        line.Contains(" fail: ", StringComparison.Ordinal) || line.Contains(" crit: ", StringComparison.Ordinal) || line.Contains("Unhandled", StringComparison.Ordinal));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_process is not null)
            Kill();
        MountCleanup.UnmountBeneath(Root);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"daemon at {Root}, process {_process?.Id}");

    private static async Task<bool> IsReadyAsync(Wire.Identity.IdentityClient identity)
    {
        try
        {
            return (await identity.ProbeAsync(new())).Ready is true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    [GeneratedRegex("metrics on (http://127[^ \n]+)")]
    private static partial Regex ListeningAt();
}
