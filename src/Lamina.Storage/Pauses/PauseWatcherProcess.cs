using Lamina.Linux;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pauses;

/// <summary>Keeps a <see cref="PauseWatcher"/> running beside this process.</summary>
/// <param name="file">The program to start, which runs <see cref="PauseWatcher.Run"/> on its standard input.</param>
/// <param name="arguments">Its arguments.</param>
/// <param name="logger">Where starts are reported.</param>
public sealed class PauseWatcherProcess(string file, IReadOnlyList<string> arguments, ILogger logger) : IDisposable
{
    /// <summary>It reads one pipe and now and then a small file: what the runtime would set up for a server is only weight.</summary>
    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_GCHeapHardLimit"] = "0x2000000",
        ["DOTNET_GCgen0size"] = "0x100000",
        ["DOTNET_TieredPGO"] = "0",
        ["DOTNET_TieredCompilation_BackgroundWorkerTimeoutMs"] = "0",
        ["DOTNET_EnableDiagnostics"] = "0",
    };

    private readonly Lock _gate = new();
    private CompanionProcess? _process;

    /// <summary>Its process number, while it runs.</summary>
    public int? Pid
    {
        get
        {
            lock (_gate)
                return _process is { HasExited: false } ? _process.Pid : null;
        }
    }

    /// <summary>Starts it if it does not run: at the daemon's start, and again should anybody have killed it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it can't be started, so nobody may be stopped.</exception>
    public void EnsureRunning()
    {
        lock (_gate)
        {
            if (_process is { HasExited: false })
                return;
            if (_process is not null)
                logger.WatcherGone(_process.Pid);
            _process?.Dispose();
            _process = null;
            try
            {
                _process = CompanionProcess.Start(file, arguments, s_environment);
                logger.WatcherStarted(_process.Pid);
            }
            catch (LinuxException e)
            {
                throw new StorageException(StorageError.FailedPrecondition,
                    $"the process that would let stopped writers go on if this daemon died can't be started ({e.Message}), so no volume can be cut while it is in use", e);
            }
        }
    }

    /// <summary>Lets it end, as it does when we do.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _process?.Dispose();
            _process = null;
        }
    }
}
