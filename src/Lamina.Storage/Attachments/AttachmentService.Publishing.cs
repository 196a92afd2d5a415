using Lamina.Linux;

namespace Lamina.Storage.Attachments;

/// <content>Bind mounts of an attached volume, at paths that a door names. Each is a holder too.</content>
public sealed partial class AttachmentService
{
    /// <summary>Bind mounts an attached volume at a path. The same call again is fine.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.AlreadyExists"/>: that target has it with other arguments, or another volume;
    /// <see cref="StorageError.FailedPrecondition"/>: not attached for that holder, or exclusive and published elsewhere;
    /// <see cref="StorageError.InvalidArgument"/>: the target's path.
    /// </exception>
    public Task PublishAsync(VolumeId volume, PublishRequest request, CancellationToken cancellationToken) =>
        _operations.RunAsync(
            $"publish volume {volume} at {request.Target}",
            KeysOf(volume, PublicationOf(request.Door, request.Target)),
            () => PublishLockedAsync(volume, request),
            cancellationToken);

    /// <summary>Unmounts a publication and removes its target. Gone already is fine.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: still in use, or not ours.</exception>
    public Task UnpublishAsync(VolumeId volume, Door door, MountTarget target, CancellationToken cancellationToken) =>
        _operations.RunAsync(
            $"unpublish volume {volume} from {target}",
            KeysOf(volume, PublicationOf(door, target)),
            () => UnpublishLockedAsync(volume, door, target),
            cancellationToken);

    private async Task PublishLockedAsync(VolumeId id, PublishRequest request)
    {
        var volume = Get(id);
        var identity = PublicationOf(request.Door, request.Target);
        var existing = _holders.Find(id, identity);
        if (existing is not null && (existing.Arguments != request.Arguments || existing.ReadOnly != request.ReadOnly || existing.Group != request.Group))
            throw new StorageException(StorageError.AlreadyExists, $"volume {id} is published at {request.Target} already, with other arguments");
        CheckPathIsFree(id, identity);
        if (request.StagedBy is { } stage && _holders.Find(id, stage) is null)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {id} is not staged at {stage.Reference}; stage it first");
        if (existing is not null && Publications.IsMounted(request.Target))
            return;

        var others = HoldersOf(id).Where(holder => holder.Kind == HolderKind.Publication && holder.Identity != identity).ToList();
        if (others.Find(other => request.Exclusive || other.Exclusive) is { } other)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {id} is published at {other.Reference}, and the access mode allows one publication only");
        }
        CheckGroup(others, request);

        var holder = NewHolder(id, identity) with { Arguments = request.Arguments, ReadOnly = request.ReadOnly, Exclusive = request.Exclusive, Group = request.Group };
        _holders.Put(holder);
        try
        {
            await MountAsync(volume).ConfigureAwait(false);
            PrepareDevice(volume, holder);
            GiveToGroup(volume, request);
            InStep(PoolNameOf(id), "mount_publication", id, () => Publications.Mount(_mounts.PathOf(id), request.Target, request.ReadOnly, request.Flags));
        }
        catch (Exception e)
        {
            if (existing is null)
                await LetGoAsync(id, identity).ConfigureAwait(false);
            if (e is LinuxException linux)
                throw StorageException.From($"publish volume {id} at {request.Target}", linux);
            throw;
        }
        _logger.VolumePublished(id, request.Target.ToString(), request.ReadOnly);
    }

    private async Task UnpublishLockedAsync(VolumeId id, Door door, MountTarget target)
    {
        var holder = _holders.Find(id, PublicationOf(door, target));
        try
        {
            var attached = MountQuery.At(_mounts.PathOf(id));
            // The holder says that what is mounted there is ours. Without one, only the same tree as the attachment's is.
            InStep(
                PoolNameOf(id), "unmount_publication", id, () => Publications.Unmount(target, mount => attached is { } own ? mount.Device == own.Device && mount.Root == own.Root : holder is not null));
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"unpublish volume {id} from {target}", e);
        }
        if (holder is null)
            return;
        if (HoldersOf(id).Count == 1)
            await UnmountAsync(id).ConfigureAwait(false);
        _holders.Remove(holder);
        _logger.VolumeUnpublished(id, target.ToString());
    }

    private static HolderIdentity PublicationOf(Door door, MountTarget target) => new(door, HolderKind.Publication, target.ToString());

    private static bool IsPublished(Holder holder)
    {
        try
        {
            return MountTarget.TryParse(holder.Reference, out var target) && Publications.IsMounted(target);
        }
        catch (StorageException e) when (e.Error is StorageError.InvalidArgument)
        {
            // Somebody put a symbolic link on the path since: whatever is there now is not what was published.
            return false;
        }
    }
}
