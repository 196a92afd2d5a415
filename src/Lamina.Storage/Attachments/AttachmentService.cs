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
/// so they work when the pool is gone. Files are split by topic: this one answers who has a volume and where; <c>Attaching</c> are the holders that
/// come and go, <c>Publishing</c> the paths where a holder wants to see the volume, <c>Groups</c> what a publication for a group asks besides,
/// <c>Engines</c> what container engines hold, <c>Mounting</c> the one mount beneath all of them, <c>Reconcile</c> what a start puts in order, and <c>Survey</c> how all of it stands beside the mount table.
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

    /// <summary>A volume with its use; the caller holds its lock.</summary>
    internal VolumeInUse InUse(Volume volume) => new(volume, MountPointOf(volume.Id));

    // Others end their use by themselves; a person has to be told how.
    private string EndHint(VolumeId volume, IReadOnlyCollection<Holder> holders) => string.Concat(
    [
        .. holders.Where(holder => holder is { Door: Door.Cli, Kind: HolderKind.User }).Select(holder => $"; lamina volume detach {volume} --as {holder.Reference}"),
        .. holders.Where(holder => holder.Kind == HolderKind.Engine).Select(holder => holder.Engine).Distinct().Select(engine => HintAt(engine, NameOf(volume))),
    ]);

    private static string HintAt(ContainerEngine? engine, string name) => engine switch
    {
        null => $"; see: docker ps -a --filter volume={name}, and the same with podman",
        // Its count stays where it was killed, so it may hold what no container has.
        { CountsItself: true } => $"; see: {engine.Name.ToLowerInvariant()} ps -a --filter volume={name}; where no container has it: {engine.Name.ToLowerInvariant()} volume unmount {name}",
        _ => $"; see: {engine.Name.ToLowerInvariant()} ps -a --filter volume={name}",
    };

    // An engine's id of a mount says nothing to anybody.
    private static string UserOf(Holder holder) => holder.Kind == HolderKind.Engine ? $"a container of {holder.Engine?.Name ?? "Docker or Podman"}" : holder.ToString();

    private string NameOf(VolumeId volume) => _catalog.Find(volume)?.Name ?? volume.Key.ToString();

    /// <summary>Refuses when anybody holds the volume or it is mounted; the caller holds its lock.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal void CheckUnused(VolumeId volume)
    {
        var holders = HoldersOf(volume);
        if (!holders.IsEmpty)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is in use by {string.Join(", ", holders.Select(UserOf).Distinct())}{EndHint(volume, holders)}");
        if (MountPointOf(volume) is { } mountPoint)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is still mounted at {mountPoint}");
    }

    // A path is locked beside the volume: two volumes that are to come to one path must not both find it free.
    private static IEnumerable<LockKey> KeysOf(VolumeId volume, HolderIdentity identity) =>
        identity.IsPath ? [LockKey.Volume(volume.Key), LockKey.Path(identity.Reference)] : [LockKey.Volume(volume.Key)];

    private void CheckPathIsFree(VolumeId id, HolderIdentity identity)
    {
        if (identity.IsPath && _holders.FindOther(id, identity) is { } other)
            throw new StorageException(StorageError.AlreadyExists, $"volume {other.Volume} is at {identity.Reference} already; a path has one volume");
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
