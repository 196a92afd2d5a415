using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

internal sealed partial class ImagePool
{
    /// <inheritdoc/>
    public async Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume)
    {
        var what = $"begin snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}";
        if (volume.Volume.IsImage)
            return await _edge.RunAsync(what, () => BeginImageSnapshotAsync(snapshot, volume)).ConfigureAwait(false);
        // The step is the inner pool's, which measures it.
        _edge.Run(what, () => CheckFreeElsewhere(SnapshotsName, snapshot.Id.Key));
        return await _inner.BeginSnapshotAsync(snapshot, volume).ConfigureAwait(false);
    }

    private async Task<ISnapshotCut> BeginImageSnapshotAsync(Snapshot snapshot, VolumeInUse volume)
    {
        CheckFreeElsewhere("snapshots", snapshot.Id.Key);
        _snapshots.CheckFree(snapshot.Id.Key);
        var staging = new StagedObject(_directory);
        SafeFileHandle? image = null;
        try
        {
            image = Make(staging.Directory, Image);
            return new SnapshotCut(this, snapshot, await BeginCutAsync(volume, image, isOfGroup: snapshot.Group is not null).ConfigureAwait(false), staging, image);
        }
        catch
        {
            image?.Dispose();
            staging.Dispose();
            _wakeTrash();
            throw;
        }
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
    private async Task CutAsync(VolumeInUse volume, SafeFileHandle target)
    {
        await using var cut = await BeginCutAsync(volume, target, isOfGroup: false).ConfigureAwait(false);
        await _cuts.RunAsync([cut]).ConfigureAwait(false);
    }

    private async Task<ImageCut> BeginCutAsync(VolumeInUse volume, SafeFileHandle target, bool isOfGroup)
    {
        var id = volume.Volume.Id;
        var source = OpenImage(_volumes, _volumes.Get(id.Key).Key, $"volume {id}");
        LoopDevice? loop = null;
        try
        {
            loop = ImageDevice.Open(source, volume.MountPoint is null ? ImageDevice.FindLasting : ImageDevice.Find);
            if (loop is null)
                await CopyUnusedAsync(source, target, $"volume {id}").ConfigureAwait(false);
            else
                CheckMayBeCut(volume, loop, isOfGroup);
            return new ImageCut(volume, source, target, loop, _settings, _pauses);
        }
        catch
        {
            loop?.Dispose();
            source.Dispose();
            throw;
        }
    }

    private void CheckMayBeCut(VolumeInUse volume, LoopDevice loop, bool isOfGroup)
    {
        if (!SharesBlocks())
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Volume.Id} can't be cut while in use: {_directory.FileSystem.Kind.ToString().ToLowerInvariant()} shares no blocks between files, and a copy of an image that is written to would be torn. Detach the volume first, or use a pool on XFS or Btrfs");
        }
        if (isOfGroup && volume.MountPoint is null)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Volume.Id} is detached, but still in use as {loop.Path} where this host can't see it, so it can't be cut at one moment with others; end what has it and call again");
        }
    }

    /// <summary>A cut that becomes a snapshot.</summary>
    private sealed class SnapshotCut(ImagePool pool, Snapshot snapshot, ImageCut cut, StagedObject staging, SafeFileHandle image) : ISnapshotCut
    {
        private bool _isPublished;

        public VolumeId Volume => cut.Volume;

        public string? MountPoint => cut.MountPoint;

        public bool StopsWriters => cut.StopsWriters;

        public bool HoldsWriters => cut.HoldsWriters;

        public string? StopObstacle => cut.StopObstacle;

        public PauseLimits Limits => cut.Limits;

        public void Prepare() => cut.Prepare();

        public void Hold() => cut.Hold();

        public void Cut(WritePoint point) => cut.Cut(point);

        public void LetGo() => cut.LetGo();

        public void Finish() => cut.Finish();

        public Task<Snapshot> PublishAsync(CutMoment moment) => pool._edge.RunAsync($"publish snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", () =>
        {
            var made = snapshot with { CreatedAt = moment.At, Pause = moment.Pause ?? cut.Pause };
            try
            {
                pool._snapshots.Publish(staging, new ImageSnapshotRecord(PoolDirectory.Format, made));
                return Task.FromResult(made);
            }
            finally
            {
                _isPublished = pool._snapshots.Find(made.Id.Key) is not null;
            }
        });

        public async ValueTask DisposeAsync()
        {
            using (staging)
            using (image)
                await cut.DisposeAsync().ConfigureAwait(false);
            if (!_isPublished)
                pool._wakeTrash();
        }
    }
}
