using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pauses;

/// <summary>Makes the writers of mounted volumes stand still, and sees to it that they are always let go.</summary>
public sealed class WriterPauses
{
    private readonly PauseMarkerStore _markers;
    private readonly PauseWatcherProcess? _watcher;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="runtimeDirectory">Where markers of pauses are kept.</param>
    /// <param name="watcher">Lets go when this process dies; null where nobody needs that.</param>
    /// <param name="time">Measures the pauses.</param>
    /// <param name="logger">Where they are reported.</param>
    public WriterPauses(string runtimeDirectory, PauseWatcherProcess? watcher, TimeProvider time, ILogger<WriterPauses> logger)
    {
        _markers = PauseMarkerStore.Make(runtimeDirectory);
        _watcher = watcher;
        _time = time;
        _logger = logger;
    }

    /// <summary>Lets go of what an earlier daemon left stopped, if its watcher died with it. To be called once, at the start.</summary>
    public void ReleaseLeftovers()
    {
        var found = _markers.Read().Select(marker => marker.Name).ToList();
        var kept = PauseRelease.OfTheDead(_markers).ToHashSet();
        foreach (var name in found)
        {
            if (kept.Contains(name))
                _logger.LeftoverKept(name);
            else
                _logger.LeftoverReleased(name);
        }
    }

    /// <summary>
    /// Looks whether the volumes could be cut now, before any work is done for it. What is true now may have changed by the time of the stop.
    /// </summary>
    /// <inheritdoc cref="Stop" path="/exception"/>
    internal void CheckPossible(IReadOnlyList<PausedVolume> volumes, bool mayStop)
    {
        KernelWriters.Refuse(volumes);
        var scan = new WriterFinder(volumes).Scan(new HashSet<ProcessIdentity>());
        WriterStopper.Refuse(Describe(volumes), scan.Untouchable, mayStop ? [] : scan.Writers);
    }

    /// <summary>Stops everybody who may write to the volumes.</summary>
    /// <param name="name">A name for the pause that no other has at the same time.</param>
    /// <param name="volumes">The volumes, each mounted.</param>
    /// <param name="mayStop">Whether anybody may be stopped; if not, they must not have any writers.</param>
    /// <param name="maxPause">After this time all are let go, whatever the caller does.</param>
    /// <returns>The pause, to be released as soon as possible.</returns>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: somebody writes who can't or must not be stopped; nobody is stopped then.
    /// </exception>
    internal WriterPause Stop(string name, IReadOnlyList<PausedVolume> volumes, bool mayStop, TimeSpan maxPause)
    {
        KernelWriters.Refuse(volumes);
        if (mayStop)
            _watcher?.EnsureRunning();
        var names = Describe(volumes);
        var pause = new WriterPause(name, maxPause, _markers, _time, _logger);
        try
        {
            new WriterStopper(new WriterFinder(volumes), pause, mayStop, names).Run();
            return pause;
        }
        catch (OperationCanceledException) when (pause.Aborted.IsCancellationRequested)
        {
            throw pause.TooLong(names);
        }
        catch
        {
            pause.Dispose();
            throw;
        }
    }

    /// <summary>Freezes the filesystem that is mounted at a path: nobody can write to it, and all that was written is on its device.</summary>
    /// <param name="name">A name for the pause that no other has at the same time.</param>
    /// <param name="mountPoint">Where it is mounted.</param>
    /// <param name="maxPause">After this time it is thawed, whatever the caller does; the kernel's own flush at the start of a freeze can't be cut short.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it can't be frozen, or is frozen by somebody else.</exception>
    internal FileSystemPause Freeze(string name, string mountPoint, TimeSpan maxPause)
    {
        _watcher?.EnsureRunning();
        return FileSystemPause.Begin(name, mountPoint, maxPause, _markers, _time, _logger);
    }

    /// <summary>The volumes, for messages.</summary>
    internal static string Describe(IReadOnlyList<PausedVolume> volumes) =>
        volumes is [var one] ? $"volume {one.Name}" : $"the volumes {string.Join(", ", volumes.Select(volume => volume.Name))}";
}
