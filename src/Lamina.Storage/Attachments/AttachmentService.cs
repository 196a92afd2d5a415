using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Makes volumes usable on this host and takes care that they are so for as long as somebody holds them: at most one mount per volume, which
/// the first holder makes and the last one removes. The mount table is the truth about mounts; holders say who needs them.
/// </summary>
/// <remarks>
/// The order is always: holder, then mount; unmount, then holder. So a daemon that was killed in between leaves a holder without a mount, which
/// <see cref="ReconcileAsync"/> sees, and never a mount that nobody knows of. Detaching and unpublishing need holders and the mount table alone,
/// so they work when the pool is gone. Files are split by topic: this one holds what callers ask for, the other what a start puts in order.
/// </remarks>
public sealed partial class AttachmentService
{
    private readonly PoolSet _pools;
    private readonly Catalog _catalog;
    private readonly OperationRunner _operations;
    private readonly TimeProvider _time;
    private readonly ILogger<AttachmentService> _logger;
    private readonly HolderStore _holders;
    private readonly VolumeMounts _mounts;
    private readonly string _bootId = BootId.Read();

    /// <summary>
    /// Makes the directories under the runtime directory, and reads the holders that an earlier daemon of this boot left: a volume can be
    /// unpublished and detached before any pool is loaded.
    /// </summary>
    public AttachmentService(
        AttachmentOptions options, PoolSet pools, Catalog catalog, OperationRunner operations, TimeProvider time, ILogger<AttachmentService> logger)
    {
        _pools = pools;
        _catalog = catalog;
        _operations = operations;
        _time = time;
        _logger = logger;
        _holders = new HolderStore(options.RuntimeDirectory, _bootId, logger);
        _mounts = new VolumeMounts(options.RuntimeDirectory);
        _holders.Load();
    }

    /// <summary>Who holds a volume.</summary>
    public ImmutableList<Holder> HoldersOf(VolumeId volume) => _holders.Of(volume);

    /// <summary>Where a volume is mounted; null when it is not attached.</summary>
    public string? MountPointOf(VolumeId volume) => _mounts.IsMounted(volume) ? _mounts.PathOf(volume) : null;

    /// <summary>The filesystem of an attached volume as the volume's user sees it; null when the volume is not attached.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: the filesystem does not answer.</exception>
    public FileSystemStatus? FileSystemOf(VolumeId volume)
    {
        try
        {
            return MountPointOf(volume) is { } mountPoint ? Files.StatFs(mountPoint) : null;
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"look at the filesystem of volume {volume}", e);
        }
    }

    /// <summary>Whether a path is one where a door has staged a volume, or has published it and it is mounted still.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: what lies there does not answer.</exception>
    public bool IsUsedAt(VolumeId volume, Door door, MountTarget path)
    {
        if (HoldersOf(volume).Find(holder => holder.Door == door && holder.Identity.IsPath && holder.Reference == path.ToString()) is not { } holder)
            return false;
        try
        {
            return holder.Kind == HolderKind.Publication ? IsPublished(holder) : Files.TryStat(holder.Reference) is not null;
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"look at {path}, where volume {volume} is", e);
        }
    }

    /// <summary>Attaches a volume for a holder. The same call again is fine.</summary>
    /// <returns>Where the volume is mounted.</returns>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.AlreadyExists"/>: that holder has it with other arguments, or its path has
    /// another volume; <see cref="StorageError.FailedPrecondition"/>: it is still in use where this host can't see it.
    /// </exception>
    public Task<string> AttachAsync(VolumeId volume, HolderIdentity holder, string arguments, CancellationToken cancellationToken) =>
        _operations.RunAsync($"attach volume {volume}", KeysOf(volume, holder), () => AttachLockedAsync(volume, holder, arguments), cancellationToken);

    /// <summary>Ends a holder; the last one unmounts the volume. A holder that is gone already is fine.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: publications or open files still need it.</exception>
    public Task DetachAsync(VolumeId volume, HolderIdentity holder, CancellationToken cancellationToken) =>
        _operations.RunAsync($"detach volume {volume}", KeysOf(volume, holder), () => DetachLockedAsync(volume, holder), cancellationToken);

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

    /// <summary>A volume with its use; the caller holds its lock.</summary>
    internal VolumeInUse InUse(Volume volume) => new(volume, MountPointOf(volume.Id));

    // Others end their use by themselves; a person has to be told how.
    private static string DetachHint(VolumeId volume, IEnumerable<Holder> holders) => string.Concat(
        holders.Where(holder => holder is { Door: Door.Cli, Kind: HolderKind.User }).Select(holder => $"; lamina volume detach {volume} --as {holder.Reference}"));

    /// <summary>Refuses when anybody holds the volume or it is mounted; the caller holds its lock.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal void CheckUnused(VolumeId volume)
    {
        var holders = HoldersOf(volume);
        if (!holders.IsEmpty)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is in use by {string.Join(", ", holders)}{DetachHint(volume, holders)}");
        if (MountPointOf(volume) is { } mountPoint)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is still mounted at {mountPoint}");
    }

    private async Task<string> AttachLockedAsync(VolumeId id, HolderIdentity identity, string arguments)
    {
        var volume = Get(id);
        var existing = _holders.Find(id, identity);
        if (existing is not null)
        {
            // The arguments are not quoted: mount flags are a part of them, and refusals of this kind are logged.
            if (existing.Arguments != arguments)
                throw new StorageException(StorageError.AlreadyExists, $"{identity} has volume {id} already, with other arguments; end that use of it first");
        }
        else
        {
            CheckPathIsFree(id, identity);
            _holders.Put(NewHolder(id, identity) with { Arguments = arguments });
        }

        try
        {
            await MountAsync(volume).ConfigureAwait(false);
        }
        catch when (existing is null)
        {
            // The call fails, so its caller does not hold the volume. Who held it before does, and finds it mounted by the next try.
            await LetGoAsync(id, identity).ConfigureAwait(false);
            throw;
        }
        return _mounts.PathOf(id);
    }

    private async Task DetachLockedAsync(VolumeId id, HolderIdentity identity)
    {
        if (_holders.Find(id, identity) is not { } holder)
            return;
        var others = HoldersOf(id).Remove(holder);
        if (others.Find(other => other.Kind == HolderKind.Publication && other.Door == identity.Door) is { } publication && others.All(other => other.Kind == HolderKind.Publication))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {id} is still published at {publication.Reference}; unpublish it first");
        if (others.IsEmpty)
            await UnmountAsync(id).ConfigureAwait(false);
        _holders.Remove(holder);
    }

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
            Publications.Mount(_mounts.PathOf(id), request.Target, request.ReadOnly, request.Flags);
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
            Publications.Unmount(target, mount => attached is { } own ? mount.Device == own.Device && mount.Root == own.Root : holder is not null);
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

    // A path is locked beside the volume: two volumes that are to come to one path must not both find it free.
    private static IEnumerable<LockKey> KeysOf(VolumeId volume, HolderIdentity identity) =>
        identity.IsPath ? [LockKey.Volume(volume.Key), LockKey.Path(identity.Reference)] : [LockKey.Volume(volume.Key)];

    private void CheckPathIsFree(VolumeId id, HolderIdentity identity)
    {
        if (identity.IsPath && _holders.FindOther(id, identity) is { } other)
            throw new StorageException(StorageError.AlreadyExists, $"volume {other.Volume} is at {identity.Reference} already; a path has one volume");
    }

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

    private async Task MountAsync(Volume volume)
    {
        if (_mounts.IsMounted(volume.Id))
            return;
        var pool = _pools.Resolve(volume.Id.Pool).Pool;
        var description = await pool.AttachAsync(volume).ConfigureAwait(false);
        try
        {
            _mounts.Mount(volume.Id, description);
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

    // Takes back a holder that this call has put. If a mount was made for it alone and can't be undone the holder stays, so that its end can be asked for.
    private async Task LetGoAsync(VolumeId id, HolderIdentity identity)
    {
        if (_holders.Find(id, identity) is not { } holder)
            return;
        try
        {
            if (HoldersOf(id).Count == 1)
                await UnmountAsync(id).ConfigureAwait(false);
            _holders.Remove(holder);
        }
        catch (StorageException e)
        {
            _logger.HolderKept(holder.ToString(), id, e.Message);
        }
    }

    private async Task UnmountAsync(VolumeId id)
    {
        var wasMounted = false;
        try
        {
            wasMounted = _mounts.IsMounted(id);
            if (!_mounts.TryUnmount(id))
            {
                throw new StorageException(StorageError.FailedPrecondition,
                    $"volume {id} is still in use: a process has files open at {_mounts.PathOf(id)}, or its working directory; see: fuser -vm {_mounts.PathOf(id)}");
            }
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
            await pool.Pool.DetachedAsync(volume).ConfigureAwait(false);
    }

    private Volume Get(VolumeId id)
    {
        if (_catalog.Find(id) is { } volume)
            return volume;
        _pools.CheckReady();
        _pools.Resolve(id.Pool).CheckReadable(id.Key, isSnapshot: false);
        throw new StorageException(StorageError.NotFound, $"there is no volume {id}");
    }

    private Holder NewHolder(VolumeId volume, HolderIdentity identity) => new()
    {
        Volume = volume,
        Door = identity.Door,
        Kind = identity.Kind,
        Reference = identity.Reference,
        Since = _time.GetUtcNow(),
        BootId = _bootId,
    };
}
