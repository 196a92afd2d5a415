using System.Collections.Concurrent;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage;

/// <summary>
/// Groups of snapshots: of several volumes, in whatever pools of this host, cut at one write point, all or none; found and deleted as a whole.
/// Files are split by topic: this one holds how they are made and found, the other how they go.
/// </summary>
/// <remarks>
/// What is cut appears pool by pool and snapshot by snapshot. Until the last one is there the catalog has none of them, and what a crash or a
/// failure leaves between the first and the last, coming or going, no list shows. What this daemon itself could not finish is discarded as soon
/// as that works; anything else is kept until somebody deletes the group or makes it anew, as it may be whole in a copy that a pool was brought
/// back from: <see cref="SettleIncompleteAsync"/>.
/// </remarks>
public sealed partial class SnapshotGroupService(
    PoolSet pools,
    Catalog catalog,
    AttachmentService attachments,
    CutRunner cuts,
    CapacityPromises promises,
    OperationRunner operations,
    TimeProvider time,
    ILogger<SnapshotGroupService> logger)
{
    /// <summary>How many volumes a group may have. Each member names all of them.</summary>
    public const int MaxVolumes = 256;

    // Groups that a call of this process could neither finish nor take back, and those that were told of.
    private readonly ConcurrentDictionary<SnapshotGroupId, bool> _unfinished = [];
    private readonly ConcurrentDictionary<SnapshotGroupId, bool> _reported = [];

    /// <summary>Cuts a group of snapshots, or answers the one of that name when it is of the same volumes.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/> (no volumes, or one twice), <see cref="StorageError.NotFound"/> (a volume),
    /// <see cref="StorageError.AlreadyExists"/> (the name, of other volumes), <see cref="StorageError.FailedPrecondition"/> (a volume can't be cut as
    /// it is used now), <see cref="StorageError.ResourceExhausted"/>. There is no snapshot of it then.
    /// </exception>
    public Task<SnapshotGroup> CreateAsync(SnapshotGroupRequest request, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        var key = ObjectKey.FromName(request.Name);
        if (request.Volumes.IsDefaultOrEmpty)
            throw new StorageException(StorageError.InvalidArgument, $"the group '{request.Name}' names no volumes; name at least one");
        if (request.Volumes.Length > MaxVolumes)
            throw new StorageException(StorageError.InvalidArgument, $"the group '{request.Name}' names {request.Volumes.Length} volumes; at most {MaxVolumes} are allowed");
        if (request.Volumes.GroupBy(volume => volume).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new StorageException(StorageError.InvalidArgument, $"the group '{request.Name}' names volume {twice.Key} twice");
        var group = SnapshotGroupMembership.Of(request.Name, request.Volumes);
        return operations.RunAsync(
            $"cut the snapshot group '{request.Name}' of {group.Volumes.Length} volumes",
            [LockKey.Group(key), .. group.Members.Select(member => LockKey.Snapshot(member.Key)), .. group.Volumes.Select(volume => LockKey.Volume(volume.Key))],
            () => CreateLockedAsync(group, request),
            cancellationToken);
    }

    /// <summary>The group with that id.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>, or <see cref="StorageError.Unavailable"/> when the pool of a member is not loaded.</exception>
    public SnapshotGroup Get(SnapshotGroupId id) => Find(id) ?? throw new StorageException(StorageError.NotFound, $"there is no snapshot group {id}");

    /// <summary>The group with that id, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: the pool of a member is not loaded, so nobody knows.</exception>
    public SnapshotGroup? Find(SnapshotGroupId id)
    {
        pools.CheckReady();
        if (catalog.Find(id) is not { } group)
        {
            CheckUnknown(id);
            return null;
        }
        var members = new List<Snapshot>(group.Volumes.Length);
        foreach (var member in group.Members)
        {
            // What the administrator has forgotten is gone: the rest is the group.
            if (pools.ResolveUnlessForgotten(member.Pool) is not { } pool)
                continue;
            if (catalog.Find(member) is { } snapshot)
            {
                members.Add(snapshot);
                continue;
            }
            pool.CheckReadable(member.Key, isSnapshot: true);
            return null;
        }
        return members.Count > 0 ? new SnapshotGroup(group, members) : null;
    }

    /// <summary>The group that a person means: by id, or by name; also an incomplete one, with what is left of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>; <see cref="StorageError.FailedPrecondition"/>: several have the name.</exception>
    public SnapshotGroup GetByNameOrId(string nameOrId)
    {
        pools.CheckReady();
        if (SnapshotGroupId.TryParse(nameOrId, out var id))
            return FindIncomplete(rest => rest.Id == id) ?? Get(id);
        var key = ObjectKey.FromName(nameOrId);
        return catalog.FindGroup(key) is { } group
            ? Get(group.Id)
            : FindIncomplete(rest => rest.Id.Key == key) ?? throw new StorageException(StorageError.NotFound, $"there is no snapshot group '{nameOrId}'");
    }

    /// <summary>All groups, ordered by key, each with the members that can be seen now; incomplete ones, with what is left of them, come last.</summary>
    public IEnumerable<SnapshotGroup> List()
    {
        pools.CheckReady();
        return catalog.Groups()
            .Select(group => new SnapshotGroup(group, [.. group.Members.Select(catalog.Find).OfType<Snapshot>()]))
            .Concat(catalog.IncompleteGroups().Where(group => !_unfinished.ContainsKey(group.Id)).Select(group => new SnapshotGroup(group, catalog.RestOf(group))))
            .Where(group => group.Snapshots.Count > 0);
    }

    private SnapshotGroup? FindIncomplete(Func<SnapshotGroupMembership, bool> isMeant) =>
        catalog.IncompleteGroups().FirstOrDefault(isMeant) is { } group && catalog.RestOf(group) is { Count: > 0 } rest ? new SnapshotGroup(group, rest) : null;

    private async Task<SnapshotGroup> CreateLockedAsync(SnapshotGroupMembership group, SnapshotGroupRequest request)
    {
        if (catalog.FindGroup(group.Id.Key) is { } known)
        {
            var existing = Get(known.Id);
            return known.Volumes.SequenceEqual(group.Volumes) && existing.Door == request.Door
                ? existing
                : throw new StorageException(StorageError.AlreadyExists,
                    $"a snapshot group '{request.Name}' exists already: of the volumes {string.Join(", ", known.Volumes)}, made through {existing.Door}");
        }
        foreach (var rest in catalog.IncompleteGroups().Where(rest => rest.Id.Key == group.Id.Key))
        {
            // Whoever calls again for the same was never told that it is there.
            if (!_unfinished.ContainsKey(rest.Id) && !rest.Volumes.SequenceEqual(group.Volumes))
            {
                throw new StorageException(StorageError.AlreadyExists,
                    $"a snapshot group '{request.Name}' exists already, though incomplete: of the volumes {string.Join(", ", rest.Volumes)}. Delete it first");
            }
            await DiscardLockedAsync(rest).ConfigureAwait(false);
        }

        var members = group.Volumes.Zip(group.Members, (volume, member) => NewMember(group, volume, member, request)).ToList();
        var promised = new List<IDisposable>();
        try
        {
            foreach (var pool in members.Select(member => member.Pool).DistinctBy(pool => pool.Id))
                promised.Add(promises.Take(pool, null));
            var snapshots = await CutAsync(members).ConfigureAwait(false);
            catalog.PutGroup(snapshots);
            var made = new SnapshotGroup(group, snapshots);
            logger.GroupCreated(made.Id, snapshots.Count, made.Pause);
            return made;
        }
        finally
        {
            promised.ForEach(promise => promise.Dispose());
        }
    }

    private Member NewMember(SnapshotGroupMembership group, VolumeId id, SnapshotId snapshot, SnapshotGroupRequest request)
    {
        var pool = pools.Resolve(id.Pool);
        if (catalog.Find(id) is not { } volume)
        {
            pool.CheckReadable(id.Key, isSnapshot: false);
            throw new StorageException(StorageError.NotFound, $"there is no volume {id}");
        }
        if (!pool.Pool.Description.Features.HasFlag(PoolFeatures.Snapshots))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {id} is a directory of the host: it has no snapshots");
        pool.CheckReadable(snapshot.Key, isSnapshot: true);
        return new Member(pool, volume, new Snapshot
        {
            Id = snapshot,
            Name = $"{group.Name}/{volume.Name}",
            SourceVolume = id,
            SourceIncarnation = volume.Incarnation,
            SourceDoor = volume.Door,
            Kind = volume.Kind,
            FileSystem = volume.FileSystem,
            Size = volume.Size,
            Door = request.Door,
            Labels = request.Labels,
            CreatedAt = time.GetUtcNow(),
            Group = group,
        });
    }

    private async Task<IReadOnlyList<Snapshot>> CutAsync(List<Member> members)
    {
        var begun = new List<ISnapshotCut>();
        var published = new List<Snapshot>();
        try
        {
            foreach (var member in members)
                begun.Add(await member.Pool.Pool.BeginSnapshotAsync(member.Snapshot, attachments.InUse(member.Volume)).ConfigureAwait(false));
            var moment = await cuts.RunAsync(begun).ConfigureAwait(false);
            foreach (var cut in begun)
                published.Add(await cut.PublishAsync(moment).ConfigureAwait(false));
            return published;
        }
        catch when (published.Count > 0)
        {
            await TakeBackAsync(published).ConfigureAwait(false);
            throw;
        }
        finally
        {
            foreach (var cut in begun)
                await ClearAsync(cut).ConfigureAwait(false);
        }
    }

    // All of them, whatever becomes of one: each holds the lock of its volume.
    private async Task ClearAsync(ISnapshotCut cut)
    {
        try
        {
            await cut.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is Linux.LinuxException or StorageException)
        {
            logger.CutNotCleared(cut.Volume, e.Message);
        }
    }

    private sealed record Member(LoadedPool Pool, Volume Volume, Snapshot Snapshot);
}
