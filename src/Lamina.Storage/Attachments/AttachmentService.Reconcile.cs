using Lamina.Storage.Operations;

namespace Lamina.Storage.Attachments;

public sealed partial class AttachmentService
{
    /// <summary>
    /// Brings holders and mounts together after a start: drops the publications whose mount is gone, mounts again what has holders, and unmounts
    /// what has none.
    /// </summary>
    public async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        // Not those that are loaded meanwhile: some of what they have attached may have been passed by.
        var loaded = _pools.Loaded.ToList();
        foreach (var volume in _holders.Volumes.Union(_mounts.List()).ToList())
        {
            try
            {
                await _operations.RunAsync($"reconcile volume {volume}", [LockKey.Volume(volume.Key)], () => ReconcileLockedAsync(volume), cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Error == StorageError.Aborted && cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // One volume on a sick filesystem is no reason to leave the others as they are.
                _logger.ReconcileFailed(volume, e);
            }
        }
        foreach (var pool in loaded)
            pool.Pool.FoundAllAttached();
    }

    private async Task ReconcileLockedAsync(VolumeId id)
    {
        foreach (var gone in HoldersOf(id).Where(holder => IsGone(holder)))
        {
            _holders.Remove(gone);
            _logger.HolderDropped(gone.ToString(), id);
        }

        if (HoldersOf(id).IsEmpty)
        {
            try
            {
                await UnmountAsync(id).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                _logger.StrayMountKept(_mounts.PathOf(id), e.Message);
            }
            return;
        }

        try
        {
            var volume = Get(id);
            if (_mounts.IsMounted(id))
                _pools.Resolve(id.Pool).Pool.FoundAttached(volume);
            else
                await MountAsync(volume).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _logger.RemountFailed(id, e.Message);
        }
    }

    // A publication at a path that can't be looked at now is there still, for all that is known.
    private bool IsGone(Holder holder)
    {
        try
        {
            return holder.Kind == HolderKind.Publication && !IsPublished(holder);
        }
        catch (StorageException e)
        {
            _logger.HolderKept(holder.ToString(), holder.Volume, e.Message);
            return false;
        }
    }
}
