using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage;

/// <summary>Snapshots: cut, found and deleted, the same for every front door.</summary>
public sealed partial class SnapshotService(
    PoolSet pools,
    Catalog catalog,
    AttachmentService attachments,
    CutRunner cuts,
    CapacityPromises promises,
    OperationRunner operations,
    TimeProvider time,
    ILogger<SnapshotService> logger)
{
    /// <summary>Cuts a snapshot, or answers the one of that name when it is of the same volume.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/> (the volume), <see cref="StorageError.AlreadyExists"/> (the name, of another volume),
    /// <see cref="StorageError.FailedPrecondition"/> (it can't be cut as it is used now), <see cref="StorageError.ResourceExhausted"/>.
    /// </exception>
    public Task<Snapshot> CreateAsync(SnapshotRequest request, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        var key = ObjectKey.FromName(request.Name);
        return operations.RunAsync(
            $"snapshot volume {request.Volume} as '{request.Name}'",
            [LockKey.Snapshot(key), LockKey.Volume(request.Volume.Key)],
            () => CreateLockedAsync(key, request),
            cancellationToken);
    }

    /// <summary>Deletes a snapshot. One that does not exist is deleted already.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.Unavailable"/>: its pool is not loaded. <see cref="StorageError.InvalidArgument"/>: it is the member of a group.
    /// </exception>
    public Task DeleteAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        return operations.RunAsync($"delete snapshot {id}", [LockKey.Snapshot(id.Key)], () => DeleteLockedAsync(id), cancellationToken);
    }

    /// <summary>The snapshot with that id.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>, or <see cref="StorageError.Unavailable"/> when its pool is not loaded.</exception>
    public Snapshot Get(SnapshotId id) => Find(id) ?? throw new StorageException(StorageError.NotFound, $"there is no snapshot {id}");

    /// <summary>The snapshot with that id, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: its pool is not loaded, so nobody knows.</exception>
    public Snapshot? Find(SnapshotId id)
    {
        pools.CheckReady();
        if (catalog.FindAlsoIncomplete(id) is { } snapshot)
            return snapshot;
        pools.ResolveUnlessForgotten(id.Pool)?.CheckReadable(id.Key, isSnapshot: true);
        return null;
    }

    /// <summary>The snapshot that a person means: by id, or by name.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>; <see cref="StorageError.FailedPrecondition"/>: several have the name.</exception>
    public Snapshot GetByNameOrId(string nameOrId)
    {
        pools.CheckReady();
        if (SnapshotId.TryParse(nameOrId, out var id))
            return Get(id);
        return catalog.FindSnapshot(ObjectKey.FromName(nameOrId))
            ?? FindMember(nameOrId)
            ?? throw new StorageException(StorageError.NotFound, $"there is no snapshot '{nameOrId}'");
    }

    // The key of a group's member is not that of its name, which is for people.
    private Snapshot? FindMember(string name) => catalog.Snapshots().Where(snapshot => snapshot.Group is not null && snapshot.Name == name).Take(2).ToList() switch
    {
        [] => null,
        [var only] => only,
        var several => throw new StorageException(StorageError.FailedPrecondition,
            $"several snapshots have the name '{name}', {string.Join(" and ", several.Select(snapshot => snapshot.Id))} among them: say which one by its id"),
    };

    /// <summary>A page of snapshots, ordered by key.</summary>
    /// <param name="of">Only those of this volume, which may be gone; null: all.</param>
    /// <param name="size">How many at most; 0: all.</param>
    /// <param name="token">Where the last page ended; null or empty: from the start.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.Aborted"/>: the token is not one of ours. <see cref="StorageError.Unavailable"/>: the pool of that volume is not
    /// loaded, so nobody knows.
    /// </exception>
    public Page<Snapshot> List(VolumeId? of, int size, string? token)
    {
        pools.CheckReady();
        if (of is { } source)
            pools.ResolveUnlessForgotten(source.Pool);
        var after = PageToken.Parse<SnapshotId>(token);
        return Page<Snapshot>.Take(of is { } volume ? catalog.SnapshotsOf(volume, after) : catalog.Snapshots(after), size, snapshot => snapshot.Id.ToString());
    }

    /// <summary>What a snapshot holds; null where nothing is known.</summary>
    public SnapshotUsage? GetUsage(Snapshot snapshot) => pools.Resolve(snapshot.Id.Pool).Pool.GetUsage(snapshot);

    private async Task<Snapshot> CreateLockedAsync(ObjectKey key, SnapshotRequest request)
    {
        if (catalog.FindSnapshot(key) is { } existing)
        {
            // With the volume gone it is the repetition of a call that has succeeded.
            var isOfAnEarlier = existing.SourceVolume == request.Volume && catalog.Find(request.Volume) is { } present && !existing.IsOf(present);
            return existing.SourceVolume == request.Volume && existing.Door == request.Door && !isOfAnEarlier
                ? existing
                : throw new StorageException(StorageError.AlreadyExists,
                    $"a snapshot '{request.Name}' exists already: of {(isOfAnEarlier ? "an earlier " : "")}volume {existing.SourceVolume}, made through {existing.Door}");
        }

        var pool = pools.Resolve(request.Volume.Pool);
        if (catalog.Find(request.Volume) is not { } volume)
        {
            pool.CheckReadable(request.Volume.Key, isSnapshot: false);
            throw new StorageException(StorageError.NotFound, $"there is no volume {request.Volume}");
        }
        if (!pool.Pool.Description.Features.HasFlag(PoolFeatures.Snapshots))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume.Id} is a directory of the host: it has no snapshots");
        pool.CheckReadable(key, isSnapshot: true);
        using var promise = promises.Take(pool, null);
        var snapshot = new Snapshot
        {
            Id = new SnapshotId(pool.Id, key),
            Name = request.Name,
            SourceVolume = volume.Id,
            SourceIncarnation = volume.Incarnation,
            SourceDoor = volume.Door,
            Kind = volume.Kind,
            FileSystem = volume.FileSystem,
            Size = volume.Size,
            Door = request.Door,
            Labels = request.Labels,
            CreatedAt = time.GetUtcNow(),
        };
        snapshot = await CutAsync(pool.Pool, snapshot, attachments.InUse(volume)).ConfigureAwait(false);
        catalog.Put(snapshot);
        logger.SnapshotCreated(snapshot.Id, volume.Id, snapshot.Pause);
        return snapshot;
    }

    private async Task<Snapshot> CutAsync(IPool pool, Snapshot snapshot, VolumeInUse volume)
    {
        await using var cut = await pool.BeginSnapshotAsync(snapshot, volume).ConfigureAwait(false);
        return await cut.PublishAsync(await cuts.RunAsync([cut]).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task DeleteLockedAsync(SnapshotId id)
    {
        var pool = pools.ResolveUnlessForgotten(id.Pool);
        if (pool is null || catalog.Find(id) is not { } snapshot)
        {
            pool?.CheckReadable(id.Key, isSnapshot: true);
            return;
        }
        if (snapshot.Group is { } group)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"snapshot {id} is one of the {group.Volumes.Length} of the group '{group.Name}' and goes only with all of them: delete the group {group.Id} (lamina snapshot group rm)");
        }
        await pool.Pool.DeleteSnapshotAsync(snapshot).ConfigureAwait(false);
        catalog.Remove(id);
        logger.SnapshotDeleted(id);
    }
}
