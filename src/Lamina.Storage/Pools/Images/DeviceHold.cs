using Lamina.Linux;
using Lamina.Storage.Pauses;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// Has all that was written to a volume on a device that is in use be there when it is cut: a filesystem is frozen, which keeps everybody from writing, and
/// a raw device is flushed just before.
/// </summary>
/// <param name="volume">The volume, with its use.</param>
/// <param name="path">Its device.</param>
/// <param name="device">The device, open; the caller's.</param>
/// <param name="settings">The pool's settings.</param>
/// <param name="pauses">Freezes filesystems.</param>
internal sealed class DeviceHold(VolumeInUse volume, string path, SafeFileHandle device, PoolSettings settings, WriterPauses pauses) : IDisposable
{
    private FileSystemPause? _pause;

    /// <inheritdoc cref="Cuts.IVolumeCut.HoldsWriters"/>
    internal bool HoldsWriters => volume.MountPoint is not null && volume.Volume.FileSystem is not null;

    /// <inheritdoc cref="Cuts.IVolumeCut.StopObstacle"/>
    internal string? StopObstacle => HoldsWriters ? null : "who writes to a raw device can't be found and stopped";

    /// <summary>How long its filesystem was frozen, when it is finished.</summary>
    internal TimeSpan? Pause { get; private set; }

    /// <summary>Does what takes long, while everybody goes on writing.</summary>
    internal void Prepare()
    {
        if (volume.Volume.FileSystem is not { } fileSystem)
        {
            Files.Flush(device);
            return;
        }
        // Whoever writes waits while it is frozen, which is a stop like any other.
        if (volume.MountPoint is { } mountPoint && !settings.PauseWriters)
            pauses.CheckPossible([PausedVolume.At(volume.Volume.Id.ToString(), mountPoint)], mayStop: false);
        // Mounted where only others see it, nobody could find a freeze of ours, and this is all: what a power cut would leave.
        using var root = DeviceFileSystem.Open(path, fileSystem);
        Files.FlushFileSystem(root);
    }

    /// <summary>Freezes the filesystem, where it is mounted for us.</summary>
    internal void Hold()
    {
        if (HoldsWriters)
            _pause = pauses.Freeze(volume.Volume.Id.ToString(), volume.MountPoint!, settings.MaxPause);
    }

    /// <summary>Just before the cut: what was written through a raw device's own cache is beneath it then.</summary>
    internal void BeforeCut()
    {
        if (volume.Volume.FileSystem is null)
            Files.Flush(device);
    }

    /// <summary>Thaws it.</summary>
    internal void LetGo() => _pause?.Dispose();

    /// <summary>After the cut.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it was thawed before the cut, as it took too long.</exception>
    internal void Finish() => Pause = _pause?.End();

    /// <inheritdoc/>
    public void Dispose() => _pause?.Dispose();
}
