using Lamina.Storage.Operations;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <content>Going back to a snapshot.</content>
public sealed partial class SnapshotService
{
    /// <summary>Gives the volume of a snapshot the snapshot's content, in its place. The state before is cut first, and kept as a snapshot.</summary>
    /// <param name="id">The snapshot to go back to.</param>
    /// <param name="before">The snapshot to make of the state before, with a name that is free.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>The volume, and the snapshot of the state before.</returns>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>: the snapshot or its volume; <see cref="StorageError.FailedPrecondition"/>: somebody uses the volume;
    /// <see cref="StorageError.Unsupported"/>: its pool can't; <see cref="StorageError.ResourceExhausted"/>.
    /// </exception>
    public Task<(Volume Volume, Snapshot Before)> RestoreInPlaceAsync(SnapshotId id, SnapshotRequest before, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        var key = ObjectKey.FromName(before.Name);
        return operations.RunAsync(
            $"restore volume {before.Volume} to snapshot {id}",
            [LockKey.Snapshot(id.Key), LockKey.Snapshot(key), LockKey.Volume(before.Volume.Key)],
            () => RestoreLockedAsync(id, key, before),
            cancellationToken);
    }

    private async Task<(Volume Volume, Snapshot Before)> RestoreLockedAsync(SnapshotId id, ObjectKey key, SnapshotRequest request)
    {
        var snapshot = Get(id);
        // Another volume may have the name since.
        if (catalog.Find(request.Volume) is not { } volume || !snapshot.IsOf(volume))
        {
            throw new StorageException(StorageError.NotFound,
                $"the volume that snapshot '{snapshot.Name}' was cut from is gone; make a new one of it: lamina snapshot restore {snapshot.Name} NEW-VOLUME");
        }
        var pool = pools.Resolve(id.Pool);
        if (!pool.Pool.Description.Features.HasFlag(PoolFeatures.RestoresInPlace))
        {
            throw new StorageException(StorageError.Unsupported,
                $"pool '{pool.Name}' can't restore in place; make a new volume: lamina snapshot restore {snapshot.Name} NEW-VOLUME");
        }
        attachments.CheckUnused(volume.Id);
        if (catalog.HasSnapshot(key))
            throw new StorageException(StorageError.AlreadyExists, $"a snapshot '{request.Name}' exists already; the state before must be kept under a name that is free");
        var before = await CreateLockedAsync(key, request).ConfigureAwait(false);
        try
        {
            await pool.Pool.RestoreVolumeAsync(volume, snapshot).ConfigureAwait(false);
        }
        catch (StorageException refused) when (refused.ChangedNothing)
        {
            // The volume is as it was, and nobody asked for a snapshot of that.
            logger.NotRestored(volume.Id, id, refused.Message);
            await DeleteLockedAsync(before.Id).ConfigureAwait(false);
            throw;
        }
        catch (Exception failure)
        {
            // Where the disk fails in the step itself it may be restored after the next crash: then the snapshot is the only one that has the state before.
            logger.RestoreInDoubt(volume.Id, id, before.Id, failure.Message);
            if (failure is not StorageException failed)
                throw;
            throw new StorageException(failed.Error, $"{failed.Message}. The state before is kept as snapshot '{before.Name}'", failed);
        }
        logger.VolumeRestored(volume.Id, id, before.Id);
        return (volume, before);
    }
}
