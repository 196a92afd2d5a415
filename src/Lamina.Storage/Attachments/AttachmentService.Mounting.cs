using Lamina.Linux;
using Lamina.Storage.Pools;

namespace Lamina.Storage.Attachments;

/// <content>The one mount of a volume, which all its holders share.</content>
public sealed partial class AttachmentService
{
    private async Task MountAsync(Volume volume, VolumeKey? key = null)
    {
        if (_mounts.IsMounted(volume.Id))
        {
            // Whoever gives another key is no more let in by that than he would be alone.
            if (key is not null)
                await _pools.Resolve(volume.Id.Pool).Pool.UnlockAsync(volume, key).ConfigureAwait(false);
            return;
        }
        _mounts.CheckSeen();
        var loaded = _pools.Resolve(volume.Id.Pool);
        var pool = loaded.Pool;
        await pool.UnlockAsync(volume, key).ConfigureAwait(false);
        var description = await DescribeAsync(pool, volume).ConfigureAwait(false);
        try
        {
            InStep(loaded.Name, "mount_volume", volume.Id, () => _mounts.Mount(volume.Id, description));
        }
        catch (Exception e)
        {
            // The pool counts it as attached since it described the mount.
            await pool.DetachedAsync(volume).ConfigureAwait(false);
            if (e is LinuxException linux)
                throw StorageException.From($"attach volume {volume.Id}", linux);
            throw;
        }
        _logger.VolumeAttached(volume.Id, _mounts.PathOf(volume.Id));
    }

    // What was unlocked for nothing is locked again.
    private static async Task<MountDescription> DescribeAsync(IPool pool, Volume volume)
    {
        try
        {
            return await pool.AttachAsync(volume).ConfigureAwait(false);
        }
        catch when (volume.Parameters.Encryption is not null)
        {
            await pool.DetachedAsync(volume).ConfigureAwait(false);
            throw;
        }
    }

    private async Task UnmountAsync(VolumeId id)
    {
        var wasMounted = false;
        try
        {
            wasMounted = _mounts.IsMounted(id);
            InStep(PoolNameOf(id), "unmount_volume", id, () =>
            {
                if (!_mounts.TryUnmount(id))
                {
                    throw new StorageException(StorageError.FailedPrecondition,
                        $"volume {id} is still in use: a process has files open at {_mounts.PathOf(id)}, or its working directory; see: fuser -vm {_mounts.PathOf(id)}");
                }
            });
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"detach volume {id}", e);
        }
        finally
        {
            // Also when the mount is gone and only its mount point could not be removed: the next call would find nothing mounted.
            if (wasMounted && !_mounts.IsMounted(id))
                await DetachedAsync(id).ConfigureAwait(false);
        }
    }

    private async Task DetachedAsync(VolumeId id)
    {
        _logger.VolumeDetached(id);
        if (_catalog.Find(id) is { } volume && _pools.TryResolve(id.Pool, out var pool))
        {
            using var span = StorageTrace.Source.StartActivity("settle_detached");
            await pool.Pool.DetachedAsync(volume).ConfigureAwait(false);
        }
    }

    // A pool that is not loaded has no name any more, and a volume is unmounted without it.
    private PoolName? PoolNameOf(VolumeId id) => _pools.TryResolve(id.Pool, out var pool) ? pool.Name : null;

    // What is done to mounts is measured beside what backends do, as a part of the same operation.
    private static void InStep(PoolName? pool, string name, VolumeId volume, Action change)
    {
        if (pool is not { } known)
        {
            StorageTrace.Run(name, change);
            return;
        }
        using var step = StorageStep.Begin(known, name, $"volume {volume}");
        try
        {
            change();
        }
        catch (Exception e)
        {
            step.Fail(e is LinuxException linux ? StorageException.From(name, linux) : e);
            throw;
        }
    }
}
