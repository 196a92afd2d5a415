using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

internal sealed partial class ImagePool
{
    /// <inheritdoc/>
    public Task<Snapshot> CreateSnapshotAsync(Snapshot snapshot, VolumeInUse volume)
    {
        return _edge.RunAsync($"snapshot volume '{volume.Volume.Name}'", async () =>
        {
            CheckFreeElsewhere(volume.Volume.IsImage ? "snapshots" : SnapshotsName, snapshot.Id.Key);
            if (!volume.Volume.IsImage)
                return await _inner.CreateSnapshotAsync(snapshot, volume).ConfigureAwait(false);

            _snapshots.CheckFree(snapshot.Id.Key);
            using var staging = new StagedObject(_directory);
            using var image = Make(staging.Directory, Image);
            var (at, pause) = await CutAsync(volume, image).ConfigureAwait(false);
            Files.Flush(image);
            var cut = snapshot with { CreatedAt = at, Pause = pause };
            _snapshots.Publish(staging, new ImageSnapshotRecord(PoolDirectory.Format, cut));
            return cut;
        });
    }

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => !snapshot.IsImage ? _inner.DeleteSnapshotAsync(snapshot) : _edge.RunAsync($"delete snapshot '{snapshot.Name}'", () =>
    {
        _snapshots.Discard(_snapshots.Get(snapshot.Id.Key).Key);
        _wakeTrash();
        return Task.CompletedTask;
    });

    /// <inheritdoc/>
    /// <remarks>Blocks that images share can't be told from others by one call, so what a snapshot alone holds is known only where nothing is shared.</remarks>
    public SnapshotUsage? GetUsage(Snapshot snapshot)
    {
        if (!snapshot.IsImage)
            return _inner.GetUsage(snapshot);
        return _sharesBlocks == false && TakenBy(_snapshots, snapshot.Id.Key) is { } taken ? new SnapshotUsage(taken, _time.GetUtcNow()) : null;
    }

    /// <summary>Fills an empty image with a volume's content at one moment.</summary>
    private async Task<(DateTimeOffset At, TimeSpan? Pause)> CutAsync(VolumeInUse volume, SafeFileHandle target)
    {
        var record = _volumes.Get(volume.Volume.Id.Key);
        using var source = OpenImage(_volumes, record.Key, $"volume {volume.Volume.Id}");
        if ((volume.MountPoint is null ? ImageDevice.FindLasting(source) : ImageDevice.Find(source)) is not { } attached)
        {
            var at = _time.GetUtcNow();
            await CopyUnusedAsync(source, target, $"volume {volume.Volume.Id}").ConfigureAwait(false);
            return (at, null);
        }
        if (!SharesBlocks())
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Volume.Id} can't be cut while in use: {_directory.FileSystem.Kind.ToString().ToLowerInvariant()} shares no blocks between files, and a copy of an image that is written to would be torn. Detach the volume first, or use a pool on XFS or Btrfs");
        }
        using var loop = LoopDevice.Open(attached.Number, readOnly: true);
        return record.Volume.FileSystem is { } fileSystem
            ? CutFileSystem(loop, fileSystem, volume, source, target)
            : CutDevice(loop, volume, source, target);
    }

    private (DateTimeOffset At, TimeSpan? Pause) CutDevice(LoopDevice loop, VolumeInUse volume, SafeFileHandle source, SafeFileHandle target)
    {
        // What was written through the device's own cache is in the file then, and on the disk.
        Files.Flush(loop.Handle);
        var at = _time.GetUtcNow();
        Share(volume, source, target);
        return (at, null);
    }

    private (DateTimeOffset At, TimeSpan? Pause) CutFileSystem(LoopDevice loop, VolumeFileSystem fileSystem, VolumeInUse volume, SafeFileHandle source, SafeFileHandle target)
    {
        // Whoever writes waits while it is frozen, which is a stop like any other.
        if (volume.MountPoint is { } where && !_settings.PauseWriters)
            _pauses.CheckPossible([PausedVolume.At(volume.Volume.Id.ToString(), where)], mayStop: false);

        // First what takes long, while everybody goes on writing.
        using var root = ImageDevice.OpenFileSystem(loop, fileSystem);
        Files.FlushFileSystem(root);
        if (volume.MountPoint is not { } mountPoint)
        {
            // Mounted where only others see it, where nobody could find a freeze of ours: what a power cut would leave now.
            var now = _time.GetUtcNow();
            Share(volume, source, target);
            return (now, null);
        }
        using var pause = _pauses.Freeze(volume.Volume.Id.ToString(), mountPoint, _settings.MaxPause);
        var at = _time.GetUtcNow();
        Share(volume, source, target);
        return (at, pause.End());
    }

    private static void Share(VolumeInUse volume, SafeFileHandle source, SafeFileHandle target)
    {
        if (!Files.TryReflink(source, target))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume.Volume.Id} can't be cut while in use: its image shares no blocks, as its flags differ (lsattr). Detach the volume first");
    }
}
