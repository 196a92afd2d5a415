using Lamina.Linux;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pauses;

/// <summary>
/// A filesystem that is frozen because of us, until it is thawed: by <see cref="End"/>, by the timer when it has been frozen for as long as it may,
/// or by the watcher when we die. Nothing else is ever thawed: who finds it frozen already leaves it so.
/// </summary>
internal sealed class FileSystemPause : IDisposable
{
    private readonly string _name;
    private readonly FrozenMount _mount;
    private readonly TimeSpan _maxPause;
    private readonly PauseMarkerStore _markers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _thawed = new();
    private readonly long _began;
    private TimeSpan? _pause;
    private bool _isFrozen;
    private bool _isAborted;

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
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it took too long, and was thawed before.</exception>
    internal TimeSpan End()
    {
        Thaw(aborting: false);
        // Not before: other filesystems were frozen too, and whoever reads the log could wait for one.
        if (_isAborted || _pause > _maxPause)
        {
            _logger.PauseTooLong(_name, _pause!.Value);
            throw TooLong();
        }
        _logger.FileSystemThawed(_name, _pause!.Value);
        return _pause.Value;
    }

    /// <inheritdoc/>
    public void Dispose() => Thaw(aborting: false);

    private void Freeze()
    {
        using var root = Files.OpenDirectory(_mount.Path);
        _markers.Write(_name, [], [], _mount);

        // A thread of its own, from before the freeze, as that waits for whoever is just writing.
        new Thread(ThawInTime) { IsBackground = true, Name = "lamina-max-freeze" }.Start();
        try
        {
            FileSystemFreeze.Freeze(root);
        }
        catch (LinuxException e)
        {
            Forget();
            if (e.Errno is Errno.EBUSY)
            {
                throw new StorageException(StorageError.FailedPrecondition,
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
        if (!_thawed.Wait(_maxPause))
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
                PauseRelease.Thaw(_mount);
                _markers.Remove(_name);
            }
            catch (LinuxException e)
            {
                // The marker stays, and the next start tries again.
                _logger.ReleaseFailed(_name, _mount.Path, e.Message);
            }
            _pause = _time.GetElapsedTime(_began);
            _thawed.Set();
        }
    }

    private void Forget()
    {
        lock (_gate)
        {
            _pause = TimeSpan.Zero;
            _thawed.Set();
            _markers.Remove(_name);
        }
    }

    private StorageException TooLong() => new(StorageError.FailedPrecondition,
        $"volume {_name} can't be cut: its filesystem was frozen for longer than maxPause ({_maxPause.TotalSeconds:0.###} s) allows, and was thawed. Raise the pool's maxPause, or call again when the disk is less busy");
}
