using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Wire = Csi.V1;

namespace Lamina.Tests.Hosting;

/// <summary><c>lamina serve</c> as a process of its own, as an init system has it, with one pool.</summary>
internal sealed class ServeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly GrpcChannel _channel;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServeProcess(PoolSettings pool)
    {
        var run = TestScratch.NewDirectory("serve");
        var socket = Path.Combine(run, "csi.sock");
        string[] arguments =
        [
            "serve", "--socket", Path.Combine(run, "admin.sock"), $"--runtimeDirectory={run}", $"--stateDirectory={run}/state", $"--configurationDirectory={run}/etc",
            $"--csi:endpoint=unix://{socket}", "--metrics:address=none",
            $"--pools:{pool.Name}:backend={pool.Backend.ToString().ToLowerInvariant()}", $"--pools:{pool.Name}:path={pool.Path}",
        ];
#pragma warning disable RS0030 // A ChildProcess is waited for, and a CompanionProcess has a lifeline that the daemon has not.
        _process = Process.Start(new ProcessStartInfo(LaminaProcess.Path, arguments) { WorkingDirectory = "/", RedirectStandardOutput = true })!;
#pragma warning restore RS0030
        _process.OutputDataReceived += (_, line) => Listen(line.Data);
        _process.BeginOutputReadLine();
        _channel = UnixChannel.To(socket);
        Identity = new(_channel);
        Controller = new(_channel);
    }

    internal int Pid => _process.Id;

    /// <summary>The process that it keeps beside it.</summary>
    internal int? WatcherPid => ProcessTable.List().Select(ProcessTable.TryRead).FirstOrDefault(process => process?.ParentPid == Pid)?.Pid;

    internal Wire.Identity.IdentityClient Identity { get; }

    internal Wire.Controller.ControllerClient Controller { get; }

    /// <summary>Makes an empty pool.</summary>
    internal static PoolSettings NewPool(PoolBackend backend, string directory)
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = backend, Path = directory };
        PoolInitializer.Initialize(settings);
        return settings;
    }

    /// <summary>Starts one, which will be ready soon.</summary>
    internal static ServeProcess Start(PoolSettings pool) => new(pool);

    /// <summary>Waits until it answers on its socket, ready or not.</summary>
    internal async Task AnswerAsync()
    {
        while (!await AnswersAsync())
            Assert.False(_process.HasExited, "the daemon ended");
    }

    /// <summary>What CSI's Probe says.</summary>
    internal async Task<bool> ProbeAsync() => (await Identity.ProbeAsync(new())).Ready is true;

    /// <summary>Waits until it says that it is ready, without a call.</summary>
    internal Task BecomeReadyAsync() => _ready.Task;

    /// <summary>Stops it as an init system does: mounts stay.</summary>
    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_process.HasExited)
        {
            using (var handle = ProcessHandle.Open(Pid))
                handle.TrySignal(Signal.Terminate);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    private void Listen(string? line)
    {
        if (line is null)
            _ready.TrySetException(new InvalidOperationException("the daemon ended"));
        else if (line.EndsWith("Lamina is ready", StringComparison.Ordinal))
            _ready.TrySetResult();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await ProbeAsync();
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
        {
            // The socket is not there yet.
            await Task.Delay(100);
            return false;
        }
    }
}
