using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// The cut of a volume's image into an empty file. One that is in use shares its blocks with the file at one moment: a filesystem is frozen for
/// that, which keeps everybody from writing, and a raw device is flushed before. One that nobody uses is there from the beginning, as it does not change.
/// </summary>
/// <param name="volume">The volume, with its use.</param>
/// <param name="source">Its image; closed in the end.</param>
/// <param name="target">The file; the caller's.</param>
/// <param name="loop">The device over the image, closed in the end, which keeps it from going; null: nobody uses it, and it was copied.</param>
/// <param name="settings">The pool's settings.</param>
/// <param name="pauses">Freezes filesystems.</param>
internal sealed class ImageCut(
    VolumeInUse volume, SafeFileHandle source, SafeFileHandle target, LoopDevice? loop, PoolSettings settings, WriterPauses pauses) : IVolumeCut
{
    private FileSystemPause? _pause;

    /// <inheritdoc/>
    public VolumeId Volume => volume.Volume.Id;

    /// <inheritdoc/>
    public string? MountPoint => loop is null ? null : volume.MountPoint;

    /// <inheritdoc/>
    public bool StopsWriters => false;

    /// <inheritdoc/>
    public bool HoldsWriters => MountPoint is not null && volume.Volume.FileSystem is not null;

    /// <inheritdoc/>
    public string? StopObstacle => HoldsWriters ? null : "who writes to a raw device can't be found and stopped";

    /// <inheritdoc/>
    public PauseLimits Limits => settings.PauseLimits;

    /// <summary>How long its filesystem was frozen, when it is finished.</summary>
    internal TimeSpan? Pause { get; private set; }

    /// <inheritdoc/>
    /// <remarks>What takes long is done here, while everybody goes on writing.</remarks>
    public void Prepare()
    {
        if (loop is null)
            return;
        if (volume.Volume.FileSystem is not { } fileSystem)
        {
            Files.Flush(loop.Handle);
            return;
        }
        // Whoever writes waits while it is frozen, which is a stop like any other.
        if (MountPoint is { } mountPoint && !settings.PauseWriters)
            pauses.CheckPossible([PausedVolume.At(Volume.ToString(), mountPoint)], mayStop: false);
        // Mounted where only others see it, nobody could find a freeze of ours, and this is all: what a power cut would leave.
        using var root = ImageDevice.OpenFileSystem(loop, fileSystem);
        Files.FlushFileSystem(root);
    }

    /// <inheritdoc/>
    public void Hold()
    {
        if (HoldsWriters)
            _pause = pauses.Freeze(Volume.ToString(), MountPoint!, settings.MaxPause);
    }

    /// <inheritdoc/>
    public void Cut(WritePoint point)
    {
        if (loop is null)
            return;
        // What was written through the device's own cache is in the file then.
        if (volume.Volume.FileSystem is null)
            Files.Flush(loop.Handle);
        if (!Files.TryReflink(source, target))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {Volume} can't be cut while in use: its image shares no blocks, as its flags differ (lsattr). Detach the volume first");
    }

    /// <inheritdoc/>
    public void LetGo() => _pause?.Dispose();

    /// <inheritdoc/>
    public void Finish()
    {
        Pause = _pause?.End();
        Files.Flush(target);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _pause?.Dispose();
        loop?.Dispose();
        source.Dispose();
        return ValueTask.CompletedTask;
    }
}
