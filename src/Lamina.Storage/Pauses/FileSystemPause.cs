using Lamina.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pauses;

/// <summary>
/// A filesystem that is frozen because of us, until it is thawed: by <see cref="End"/>, by the timer when it has been frozen for as long as it may,
/// or by the watcher when we die. Nothing else is ever thawed: who finds it frozen already leaves it so.
/// </summary>
internal sealed class FileSystemPause : IDisposable
{
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(100);

    private readonly string _name;
    private readonly FrozenMount _mount;
    private readonly TimeSpan _maxPause;
    private readonly PauseMarkerStore _markers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _thawed = new();
    private readonly long _began;

    // Kept open, so that what is frozen is what is thawed, whatever is mounted at its path or not any more.
    private SafeFileHandle? _root;
    private TimeSpan? _pause;
    private bool _isFrozen;
    private bool _isAborted;
    private bool _isReported;

    private FileSystemPause(string name, FrozenMount mount, TimeSpan maxPause, PauseMarkerStore markers, TimeProvider time, ILogger logger)
    {
        _name = name;
        _mount = mount;
        _maxPause = maxPause;
        _markers = markers;
        _time = time;
        _logger = logger;
        _began = time.GetTimestamp();
    }

    /// <summary>Freezes what is mounted at a path.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal static FileSystemPause Begin(string name, string mountPoint, TimeSpan maxPause, PauseMarkerStore markers, TimeProvider time, ILogger logger)
    {
        var mount = MountQuery.At(mountPoint)
            ?? throw new StorageException(StorageError.FailedPrecondition, $"volume {name} is not mounted at {mountPoint} any more; attach it again");
        var pause = new FileSystemPause(name, new FrozenMount(mountPoint, mount.Device), maxPause, markers, time, logger);
        pause.Freeze();
        return pause;
    }

    /// <summary>Thaws it, and answers how long it was frozen.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: it took too long, and was thawed before. <see cref="StorageError.Unavailable"/>: it can't be
    /// thawed yet, which is tried until it works.
    /// </exception>
    internal TimeSpan End()
    {
        Thaw(aborting: false);
        if (_pause is not { } pause)
            throw new StorageException(StorageError.Unavailable, $"the filesystem of volume {_name} can't be thawed yet, which is tried until it works; the daemon's log says why");
        StorageMeter.Pause("filesystem", pause);
        // Not before: other filesystems were frozen too, and whoever reads the log could wait for one.
        if (_isAborted || pause > _maxPause)
        {
            _logger.PauseTooLong(_name, pause);
            throw TooLong();
        }
        _logger.FileSystemThawed(_name, pause);
        return pause;
    }

    /// <inheritdoc/>
    public void Dispose() => Thaw(aborting: false);

    private void Freeze()
    {
        _root = Files.OpenDirectory(_mount.Path);
        var isThawing = _markers.Has(_name);
        try
        {
            _markers.Write(_name, [], [], _mount);
        }
        catch
        {
            _root.Dispose();
            throw;
        }

        // A thread of its own, from before the freeze, as that waits for whoever is just writing.
        new Thread(ThawInTime) { IsBackground = true, Name = "lamina-max-freeze" }.Start();
        try
        {
            FileSystemFreeze.Freeze(_root);
        }
        catch (LinuxException e)
        {
            // Where an earlier freeze of ours is not thawed yet, the marker is its only trace.
            Forget(keepMarker: isThawing && e.Errno is Errno.EBUSY);
            if (e.Errno is Errno.EBUSY)
            {
                throw isThawing ? new StorageException(StorageError.Unavailable, $"volume {_name} can't be cut yet: its filesystem is still frozen for an earlier snapshot, and is thawed as soon as that works", e) : new StorageException(StorageError.FailedPrecondition,
                    $"volume {_name} can't be cut while in use: somebody else has frozen its filesystem, and only they may thaw it (fsfreeze -u {_mount.Path})", e);
            }
            throw;
        }
        lock (_gate)
            _isFrozen = true;
        if (!_isAborted)
            return;
        Thaw(aborting: true);
        throw TooLong();
    }

    private void ThawInTime()
    {
        // For ever, as nobody can write until then.
        for (var wait = _maxPause; !_thawed.Wait(wait); wait = s_retryAfter)
            Thaw(aborting: true);
    }

    private void Thaw(bool aborting)
    {
        lock (_gate)
        {
            _isAborted |= aborting && _pause is null;
            if (!_isFrozen || _pause is not null)
                return;
            try
            {
                FileSystemFreeze.Thaw(_root!);
            }
            catch (LinuxException e) when (e.Errno is Errno.EINVAL)
            {
                // Somebody has thawed it already.
            }
            catch (LinuxException e)
            {
                // The marker stays, and the timer tries again.
                if (!_isReported)
                    _logger.ReleaseFailed(_name, _mount.Path, e.Message);
                _isReported = true;
                return;
            }
            _pause = _time.GetElapsedTime(_began);
            _thawed.Set();
            _root!.Dispose();
            _markers.Remove(_name);
        }
    }

    private void Forget(bool keepMarker)
    {
        lock (_gate)
        {
            _pause = TimeSpan.Zero;
            _thawed.Set();
            _root!.Dispose();
            if (!keepMarker)
                _markers.Remove(_name);
        }
    }

    private StorageException TooLong() => new(StorageError.FailedPrecondition,
        $"volume {_name} can't be cut: its filesystem was frozen for longer than maxPause ({_maxPause.TotalSeconds:0.###} s) allows, and was thawed. Raise the pool's maxPause, or call again when the disk is less busy");
}
