using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage;

/// <summary>Volumes: made, found, resized and deleted, the same for every front door.</summary>
public sealed partial class VolumeService(
    PoolSet pools,
    Catalog catalog,
    AttachmentService attachments,
    CapacityPromises promises,
    OperationRunner operations,
    TimeProvider time,
    ILogger<VolumeService> logger)
{
    /// <summary>Makes a volume, or answers the one of that name when it is what is asked for.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>, <see cref="StorageError.NotFound"/> (the source), <see cref="StorageError.AlreadyExists"/>
    /// (the name, with something else), <see cref="StorageError.OutOfRange"/> (smaller than the source),
    /// <see cref="StorageError.ResourceExhausted"/> (no room), <see cref="StorageError.NotHere"/> (its source lies in no pool of this host), <see cref="StorageError.Unavailable"/>
    /// (the pool is not loaded), <see cref="StorageError.Aborted"/> (the caller's time ran out).
    /// </exception>
    public Task<Volume> CreateAsync(VolumeRequest request, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        request.Size.Validate();
        var key = ObjectKey.FromName(request.Name);
        LockKey[] keys = request.Source is { } source ? [LockKey.Volume(key), LockKey.Of(source)] : [LockKey.Volume(key)];
        return operations.RunAsync($"create volume '{request.Name}'", keys, () => CreateLockedAsync(key, request), cancellationToken);
    }

    /// <summary>Deletes a volume. One that does not exist is deleted already.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: it is in use, by whom the message says. <see cref="StorageError.Unavailable"/>: its pool is
    /// not loaded.
    /// </exception>
    public Task DeleteAsync(VolumeId id, CancellationToken cancellationToken) => DeleteAsync(id, _ => true, cancellationToken);

    /// <summary>Makes a volume larger, attached or not. One that is large enough stays as it is.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>, <see cref="StorageError.OutOfRange"/> (above the limit), <see cref="StorageError.ResourceExhausted"/>.
    /// </exception>
    public Task<Volume> ExpandAsync(VolumeId id, SizeRange range, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        range.Validate();
        return operations.RunAsync($"expand volume {id}", [LockKey.Volume(id.Key)], () => ExpandLockedAsync(id, range), cancellationToken);
    }

    /// <summary>The volume with that id.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>, or <see cref="StorageError.Unavailable"/> when its pool is not loaded.</exception>
    public Volume Get(VolumeId id)
    {
        pools.CheckReady();
        if (catalog.Find(id) is { } volume)
            return volume;
        pools.Resolve(id.Pool).CheckReadable(id.Key, isSnapshot: false);
        throw new StorageException(StorageError.NotFound, $"there is no volume {id}");
    }

    /// <summary>The volume with that id, or null when no pool that is loaded has one.</summary>
    public Volume? FindKnown(VolumeId id) => catalog.Find(id);

    /// <summary>The volume that a person means: by id, or by name.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>; <see cref="StorageError.FailedPrecondition"/>: several have the name.</exception>
    public Volume GetByNameOrId(string nameOrId)
    {
        pools.CheckReady();
        if (VolumeId.TryParse(nameOrId, out var id))
            return Get(id);
        return catalog.FindVolume(ObjectKey.FromName(nameOrId)) ?? throw new StorageException(StorageError.NotFound, $"there is no volume '{nameOrId}'");
    }

    /// <summary>The volume with that name, or null when no pool that is served has one.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: several pools have one.</exception>
    public Volume? FindByName(string name)
    {
        pools.CheckReady();
        return catalog.FindVolume(ObjectKey.FromName(name));
    }

    /// <summary>What is being done with a volume just now, by its id or name; it need not exist yet.</summary>
    public IReadOnlyList<RunningOperation> OperationsOn(string nameOrId) =>
        operations.Find(LockKey.Volume(VolumeId.TryParse(nameOrId, out var id) ? id.Key : ObjectKey.FromName(nameOrId)));

    /// <summary>A page of all volumes, ordered by key.</summary>
    /// <param name="size">How many at most; 0: all.</param>
    /// <param name="token">Where the last page ended; null or empty: from the start.</param>
    /// <exception cref="StorageException"><see cref="StorageError.Aborted"/>: the token is not one of ours.</exception>
    public Page<Volume> List(int size, string? token)
    {
        pools.CheckReady();
        return Page<Volume>.Take(catalog.Volumes(PageToken.Parse<VolumeId>(token)), size, volume => volume.Id.ToString());
    }

    /// <summary>As <see cref="List"/>, without those that live and go with a pod: whoever lists volumes to tidy up knows nothing of them.</summary>
    public Page<Volume> ListProvisioned(int size, string? token)
    {
        pools.CheckReady();
        return Page<Volume>.Take(catalog.Volumes(PageToken.Parse<VolumeId>(token)).Where(volume => volume.Ephemeral is null), size, volume => volume.Id.ToString());
    }

    /// <summary>
    /// What one more volume could get: what is free, and what the pool may still promise. Nothing, where such a volume could not be made on this
    /// host: its pool is not served here, or can't do what the volume needs.
    /// </summary>
    /// <param name="request">The volume, as it would be asked for.</param>
    public CapacityAnswer GetCapacity(CapacityQuery request)
    {
        pools.CheckReady();
        var name = request.Parameters.Source is null ? request.Pool : PoolName.Bind;
        return pools.TryResolve(name, out var pool)
            && pool.Pool.Description is var description
            && ImageVolumes.ObstacleIn(description, request.Kind, request.FileSystem) is null
            && ImageVolumes.ObstacleTo(description, request.Parameters, request.Kind, description.FileSystemNamed(request.FileSystem)) is null
            && request.Parameters.ObstacleIn(description) is null
            ? new CapacityAnswer(promises.AvailableIn(pool), promises.LargestIn(pool), ImageVolumes.SmallestSize(description, request.Kind, description.FileSystemNamed(request.FileSystem)))
            : CapacityAnswer.Nothing;
    }

    /// <summary>How full a volume is.</summary>
    public VolumeStatistics GetStatistics(Volume volume)
    {
        var pool = pools.Resolve(volume.Id.Pool).Pool;
        if (volume.IsImage)
            return ImageVolumes.Statistics(volume, pool.GetUsage(volume), volume.Kind == VolumeKind.Block ? null : attachments.FileSystemOf(volume.Id), pool.GetCapacity());
        if (pool.Description.Features.HasFlag(PoolFeatures.OwnFileSystem) && attachments.FileSystemOf(volume.Id) is { } own)
            return StatisticsOf(own);
        // The filesystem that the volume shares bounds what can still be written, and is all there is to say of a volume without a size.
        var shared = attachments.FileSystemOf(volume.Id);
        var capacity = shared is { } status ? new PoolCapacity(new ByteSize((long)status.TotalBytes), new ByteSize((long)status.AvailableBytes)) : pool.GetCapacity();
        var usage = pool.GetUsage(volume);
        return new VolumeStatistics(
            SpaceOf(volume.Size, pool.GetHeadroom(volume), usage?.Used, capacity), (long)(shared?.TotalInodes ?? 0), (long)(shared?.FreeInodes ?? 0), usage?.Inodes);
    }

    // A volume that is a filesystem knows about itself, and now.
    private static VolumeStatistics StatisticsOf(Linux.FileSystemStatus own) => new(
        VolumeSpace.Of(own),
        (long)own.TotalInodes,
        (long)own.FreeInodes,
        (long)(own.TotalInodes - own.FreeInodes));

    private static VolumeSpace SpaceOf(ByteSize? size, ByteSize? headroom, ByteSize? used, PoolCapacity capacity)
    {
        var total = size ?? capacity.Total;
        // Where the kernel enforces a limit, what is left of it is what counts: snapshots may hold more of the disk than the volume's files take.
        if (headroom is { } left)
            return Within(Math.Max(0, total.Bytes - left.Bytes), left.Bytes);
        if (used is { } known)
            return Within(known.Bytes, total.Bytes - known.Bytes);
        // Nobody knows, and nothing but the disk bounds what is written: its figures, as df shows them in the volume. Any others would
        // show a volume as empty that is never seen to fill up.
        total = capacity.Total;
        return Within(capacity.Total.Bytes - capacity.Available.Bytes, capacity.Available.Bytes);

        VolumeSpace Within(long taken, long free) => new(total, new ByteSize(Math.Min(Math.Max(0, free), capacity.Available.Bytes)), new ByteSize(Math.Max(0, taken)));
    }

    /// <summary>What a volume uses; null where nothing is known.</summary>
    public VolumeUsage? GetUsage(Volume volume) => pools.Resolve(volume.Id.Pool).Pool.GetUsage(volume);

    private async Task<Volume> CreateLockedAsync(ObjectKey key, VolumeRequest request)
    {
        if (catalog.FindVolume(key) is { } existing)
        {
            VolumeCompatibility.Check(existing, request, pools);
            return existing;
        }

        if (!request.IsWantedHere)
            throw new StorageException(StorageError.NotHere, $"volume '{request.Name}' must not lie on this host, and a volume of this daemon can lie nowhere else");
        var (pool, content) = Place(request);
        var features = pool.Pool.Description.Features;
        pool.CheckReadable(key, isSnapshot: false);
        request.Parameters.CheckAgainst(pool.Pool.Description);
        if (request.Parameters.Encryption is not null && request.Key is null)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the parameter 'encryption' needs a key: give it by the secret '{VolumeKey.SecretName}' of the call, both of the provisioner and to stage the volume on a node");
        }
        var fileSystem = ImageVolumes.FileSystemFor(request, pool.Pool.Description, content);
        CheckAgainst(pool.Pool.Description, request.Attributes, isImage: request.Kind == VolumeKind.Block || fileSystem is not null);
        if (features.HasFlag(PoolFeatures.HostDirectories) && request.Parameters.Source is null)
            throw new StorageException(StorageError.InvalidArgument, $"pool '{pool.Name}' serves host directories: name one by the parameter 'source'");

        var size = features.HasFlag(PoolFeatures.HostDirectories) ? null : ChooseSize(request, pool, content, fileSystem);
        using var promise = promises.Take(pool, size);
        var volume = new Volume
        {
            Id = new VolumeId(pool.Id, key),
            Name = request.Name,
            Kind = request.Kind,
            FileSystem = fileSystem,
            Size = size,
            CreatedSize = size,
            Source = request.Source,
            Parameters = request.Parameters,
            Attributes = NullIfNone(request.Attributes),
            CreatedAttributes = NullIfNone(request.Attributes),
            Ephemeral = request.Ephemeral,
            Door = request.Door,
            Labels = request.Labels,
            Incarnation = new Guid(KernelRandom.GetBytes(16)),
            CreatedAt = time.GetUtcNow(),
        };
        await pool.Pool.CreateVolumeAsync(volume, request.Parameters.Encryption is null ? content : content with { Key = request.Key }).ConfigureAwait(false);
        catalog.Put(volume);
        logger.VolumeCreated(volume.Id, size, volume.Source);
        return volume;
    }

    // The pool where the volume goes, and what it begins with.
    private (LoadedPool Pool, VolumeContent Content) Place(VolumeRequest request)
    {
        if (request.Source is not { } source)
        {
            // A host directory can only be served by the one pool for them.
            var name = request.Parameters.Source is null ? request.Pool : PoolName.Bind;
            if (request.Pool is { } asked && name != asked)
                throw new StorageException(StorageError.InvalidArgument, $"the parameter 'source' serves a host directory, which pool '{asked}' can't; leave the pool out");
            return (name is { } chosen ? pools.Resolve(chosen) : pools.ResolveDefault(), new VolumeContent.Empty());
        }

        // Another node's pool: the orchestrator tries elsewhere on this answer alone.
        if (!pools.TryResolve(source.Pool, out var pool))
            throw new StorageException(StorageError.NotHere, $"{source} lies in pool {source.Pool}, which is not loaded on this host");
        if (request.Pool is { } wanted && wanted != pool.Name)
            throw new StorageException(StorageError.InvalidArgument, $"{source} lies in pool '{pool.Name}', so the volume can't be made in pool '{wanted}'");
        if (!pool.Pool.Description.Features.HasFlag(PoolFeatures.Snapshots))
            throw new StorageException(StorageError.FailedPrecondition, $"{source} is a bind volume, a directory of the host: it can't be cloned");
        return (pool, source.Snapshot is { } snapshot
            ? new VolumeContent.OfSnapshot(catalog.FindAlsoIncomplete(snapshot) ?? throw new StorageException(StorageError.NotFound, $"there is no snapshot {snapshot}"))
            : new VolumeContent.OfVolume(attachments.InUse(Get(source.Volume!.Value))));
    }

    private static ByteSize? ChooseSize(VolumeRequest request, LoadedPool pool, VolumeContent content, VolumeFileSystem? fileSystem)
    {
        var source = content switch
        {
            VolumeContent.OfSnapshot of => of.Snapshot.Size,
            VolumeContent.OfVolume of => of.Volume.Volume.Size,
            _ => null,
        };
        var size = request.Kind == VolumeKind.Block || fileSystem is not null
            ? ImageVolumes.ChooseSize(pool.Pool.Description, request.Size, source ?? pool.Settings.DefaultSize, fileSystem)
            : request.Size.Choose(source ?? pool.Settings.DefaultSize);
        if (source is { } least && (size is null || size < least))
        {
            throw new StorageException(StorageError.OutOfRange,
                $"the size {size} is smaller than the {least} of {request.Source}; ask for at least {least.Bytes} bytes");
        }
        return size;
    }

    /// <summary>As the other, but only a volume of which something is true; judged while nobody else can begin to use it.</summary>
    /// <returns>Whether it was there and is deleted.</returns>
    public Task<bool> DeleteAsync(VolumeId id, Func<Volume, bool> condition, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        return operations.RunAsync($"delete volume {id}", [LockKey.Volume(id.Key)], () => DeleteLockedAsync(id, condition), cancellationToken);
    }

    private async Task<bool> DeleteLockedAsync(VolumeId id, Func<Volume, bool> condition)
    {
        var pool = pools.ResolveUnlessForgotten(id.Pool);
        if (pool is null || catalog.Find(id) is not { } volume)
        {
            pool?.CheckReadable(id.Key, isSnapshot: false);
            return false;
        }
        if (!condition(volume))
            return false;
        attachments.CheckUnused(id);
        await pool.Pool.DeleteVolumeAsync(volume).ConfigureAwait(false);
        catalog.Remove(id);
        logger.VolumeDeleted(id);
        return true;
    }

    private async Task<Volume> ExpandLockedAsync(VolumeId id, SizeRange range)
    {
        var volume = Get(id);
        var pool = pools.Resolve(id.Pool);
        if (pool.Pool.Description.Features.HasFlag(PoolFeatures.HostDirectories))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {id} is a directory of the host: it has no size");
        if (range.Limit is { } limit && (volume.Size is null || volume.Size > limit))
        {
            throw new StorageException(StorageError.OutOfRange,
                $"volume {id} has {volume.Size?.ToString() ?? "no limit"} already, above the limit of {limit}; volumes do not shrink");
        }
        if (range.Required is not { } required || volume.Size is null || volume.Size >= required)
            return volume;
        var size = volume.IsImage ? ImageVolumes.RoundUp(pool.Pool.Description, required, range.Limit) : required;

        using var promise = promises.Take(pool, new ByteSize(size.Bytes - volume.Size.Value.Bytes));
        var resized = volume with { Size = size };
        await pool.Pool.ResizeVolumeAsync(resized).ConfigureAwait(false);
        catalog.Put(resized);
        logger.VolumeResized(id, size);
        return resized;
    }
}
