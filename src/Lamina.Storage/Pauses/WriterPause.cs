using Lamina.Linux;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pauses;

/// <summary>
/// The writers that stand still because of us, from the first that is stopped until all are let go: by <see cref="Release()"/>, by the timer
/// when they have stood still for as long as they may, or by the watcher when we die.
/// </summary>
internal sealed class WriterPause : IDisposable
{
    private readonly string _name;
    private readonly PauseMarkerStore _markers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly HashSet<ProcessIdentity> _processes = [];
    private readonly HashSet<string> _cgroups = [];
    private readonly CancellationTokenSource _aborting = new();
    private readonly ManualResetEventSlim _released = new();
    private long _began;
    private TimeSpan? _pause;

    internal WriterPause(string name, TimeSpan maxPause, PauseMarkerStore markers, TimeProvider time, ILogger logger)
    {
        _name = name;
        MaxPause = maxPause;
        _markers = markers;
        _time = time;
        _logger = logger;
        Aborted = _aborting.Token;
    }

    /// <summary>How long they may stand still.</summary>
    internal TimeSpan MaxPause { get; }

    /// <summary>Cancelled when they have stood still for as long as they may, and run again.</summary>
    internal CancellationToken Aborted { get; }

    /// <summary>What was found of the volumes' users when the last of them stood still.</summary>
    internal WriterScan LastScan { get; set; } = WriterScan.Nothing;

    /// <summary>The moment at which all of them stood still: nothing that they did has a later time.</summary>
    internal Timestamp StoodStillAt { get; set; }

    /// <summary>How long they have stood still; null when there were none.</summary>
    internal TimeSpan? Pause
    {
        get
        {
            lock (_gate)
                return _began == 0 ? null : _pause ?? _time.GetElapsedTime(_began);
        }
    }

    /// <summary>Writes down what will be stopped, before it is. From the first on the time runs.</summary>
    internal void Announce(IEnumerable<ProcessIdentity> processes, IEnumerable<string> cgroups)
    {
        lock (_gate)
        {
            Aborted.ThrowIfCancellationRequested();
            _processes.UnionWith(processes);
            _cgroups.UnionWith(cgroups);
            if (_processes.Count + _cgroups.Count == 0)
                return;
            _markers.Write(_name, _processes, _cgroups);
            if (_began != 0)
                return;
            _began = _time.GetTimestamp();
        }

        // A thread of its own: whatever keeps the threads of the pool, or the one that copies, busy or stuck, this one lets go.
        new Thread(ReleaseInTime) { IsBackground = true, Name = "lamina-max-pause" }.Start();
    }

    /// <summary>Stops a process that was announced. It stands still shortly after, not on return.</summary>
    internal void Stop(ProcessIdentity process)
    {
        using var handle = ProcessHandle.TryOpen(process.Pid);
        if (handle is null || ProcessTable.TryRead(process.Pid)?.StartTime != process.StartTime)
            return;
        lock (_gate)
        {
            // Under the lock: once the timer has let go of all, nobody may be stopped any more.
            Aborted.ThrowIfCancellationRequested();
            handle.TrySignal(Signal.Stop);
        }
    }

    /// <summary>Freezes a cgroup that was announced, and waits until it stands still.</summary>
    /// <returns>False when it can't be frozen, or not in time; then it is as it was.</returns>
    internal bool TryFreeze(string cgroup)
    {
        var rest = MaxPause - (Pause ?? TimeSpan.Zero);
        var frozen = rest > TimeSpan.Zero && CgroupFreezer.TryFreeze(cgroup, rest);
        lock (_gate)
        {
            // The timer may have let go of it just before it was frozen.
            if (Aborted.IsCancellationRequested)
                CgroupFreezer.Thaw(cgroup);
        }
        Aborted.ThrowIfCancellationRequested();
        return frozen;
    }

    /// <summary>What to tell when the time was over.</summary>
    /// <param name="names">The volumes.</param>
    internal StorageException TooLong(string names) => new(StorageError.FailedPrecondition,
        $"{names} can't be cut: its writers stood still for {Pause?.TotalSeconds:0.###} s, longer than maxPause ({MaxPause.TotalSeconds:0.###} s) allows, and were let go. Raise the pool's maxPause, use a pool on XFS or Btrfs, where a copy shares blocks, or stop the workload");

    /// <summary>Lets all of them go. Nothing happens the second time.</summary>
    internal void Release() => Release(aborting: false);

    /// <inheritdoc/>
    public void Dispose() => Release();

    private void ReleaseInTime()
    {
        if (!_released.Wait(MaxPause))
            Release(aborting: true);
    }

    private void Release(bool aborting)
    {
        var stuck = new List<(string What, string Reason)>();
        lock (_gate)
        {
            if (_pause is not null || _began == 0)
                return;
            if (aborting)
                _aborting.Cancel();
            LetGo(_cgroups, CgroupFreezer.Thaw, stuck);
            LetGo(_processes, PauseRelease.Continue, stuck);
            _pause = _time.GetElapsedTime(_began);
            _released.Set();
            if (stuck.Count == 0)
                _markers.Remove(_name);
        }
        // Only now, when nobody stands still any more who could be the reader of the log.
        foreach (var (what, reason) in stuck)
            _logger.ReleaseFailed(_name, what, reason);
        StorageMeter.Pause("writers", _pause.Value);
        if (aborting)
            _logger.PauseTooLong(_name, _pause.Value);
        else
            _logger.WritersReleased(_name, _processes.Count, _cgroups.Count, _pause.Value);
    }

    private static void LetGo<T>(IEnumerable<T> stopped, Action<T> release, List<(string What, string Reason)> stuck)
    {
        foreach (var one in stopped)
        {
            try
            {
                release(one);
            }
            catch (Exception e) when (e is LinuxException or IOException)
            {
                // The others must go whatever happens to this one, and the marker stays for the next start.
                stuck.Add((one!.ToString()!, e.Message));
            }
        }
    }
}
