using Lamina.Storage.Operations;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <content>What can be changed of a volume.</content>
public sealed partial class VolumeService
{
    /// <summary>Whether any pool that is served has volumes with attributes.</summary>
    public bool HasAttributes => pools.Loaded.Any(pool => !pool.Pool.Description.MutableAttributes.IsEmpty);

    /// <summary>Changes attributes of a volume, attached or not; those that are not named stay as they are.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.InvalidArgument"/>: one that its pool does not have, or that can't be had
    /// beside its parameters; nothing is changed then.
    /// </exception>
    public Task<Volume> ModifyAsync(VolumeId id, VolumeAttributes changes, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        return operations.RunAsync($"modify volume {id}", [LockKey.Volume(id.Key)], () => ModifyLockedAsync(id, changes), cancellationToken);
    }

    private async Task<Volume> ModifyLockedAsync(VolumeId id, VolumeAttributes changes)
    {
        var volume = Get(id);
        var pool = pools.Resolve(id.Pool).Pool;
        CheckAgainst(pool.Description, changes, volume.IsImage);
        var current = volume.Attributes ?? VolumeAttributes.None;
        var attributes = current.With(changes);
        if (attributes == current)
            return volume;
        var modified = volume with { Attributes = attributes };
        await pool.ModifyVolumeAsync(modified).ConfigureAwait(false);
        catalog.Put(modified);
        logger.VolumeModified(id, attributes);
        return modified;
    }

    private static void CheckAgainst(PoolDescription pool, VolumeAttributes attributes, bool isImage)
    {
        if (isImage && !pool.HasZvols && attributes != VolumeAttributes.None)
            throw new StorageException(StorageError.InvalidArgument, $"a volume in an image of its own has no attributes such as {attributes}; they are for directories");
        if (isImage && attributes.ToDictionary().Keys.FirstOrDefault(key => !pool.MutableDeviceAttributes.Contains(key)) is { } key)
            throw new StorageException(StorageError.InvalidArgument, $"a block device has no attribute '{key}'; it is for directories");
        if (attributes.ObstacleIn(pool) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
    }

    private static VolumeAttributes? NullIfNone(VolumeAttributes attributes) => attributes == VolumeAttributes.None ? null : attributes;
}
