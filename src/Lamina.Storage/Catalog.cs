using System.Collections.Concurrent;
using System.Collections.Immutable;
using Lamina.Storage.Ephemeral;

namespace Lamina.Storage;

/// <summary>
/// Everything that the loaded pools hold, in memory: what every list and look-up is served from. Changes go to the pool first, then here.
/// Reads take no lock and see each object whole.
/// </summary>
public sealed partial class Catalog
{
    private readonly CatalogIndex<VolumeId, Volume> _volumes = new("volume", volume => volume.Id, id => id.Key);
    private readonly CatalogIndex<SnapshotId, Snapshot> _snapshots = new("snapshot", snapshot => snapshot.Id, id => id.Key);
    private readonly ConcurrentDictionary<VolumeId, ImmutableSortedSet<SnapshotId>> _snapshotsOf = [];
    private readonly ConcurrentDictionary<PoolId, Int128> _promised = [];
    private readonly ConcurrentDictionary<EphemeralId, VolumeId> _ephemeral = [];

    /// <summary>How many volumes there are.</summary>
    public int VolumeCount => _volumes.Count;

    /// <summary>How many snapshots there are.</summary>
    public int SnapshotCount => _snapshots.Count;

    /// <summary>The volume with that id, or null.</summary>
    public Volume? Find(VolumeId id) => _volumes.Find(id);

    /// <summary>The snapshot with that id, or null.</summary>
    public Snapshot? Find(SnapshotId id) => _snapshots.Find(id);

    /// <summary>The volume that the kubelet knows by that id, or null.</summary>
    public Volume? Find(EphemeralId id) => _ephemeral.TryGetValue(id, out var volume) ? Find(volume) : null;

    /// <summary>The volumes that live and go with a pod, in no order.</summary>
    public IEnumerable<Volume> EphemeralVolumes() => _ephemeral.Values.Select(Find).OfType<Volume>();

    /// <summary>The volume with that key, in whatever pool, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: several pools have one of that key.</exception>
    public Volume? FindVolume(ObjectKey key) => _volumes.Find(key);

    /// <summary>The snapshot with that key, in whatever pool, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: several pools have one of that key.</exception>
    public Snapshot? FindSnapshot(ObjectKey key) => _snapshots.Find(key);

    /// <summary>Whether any pool has a snapshot with that key.</summary>
    public bool HasSnapshot(ObjectKey key) => _snapshots.Has(key);

    /// <summary>What is wrong with a pool's names: those that another pool has too, of which nobody can tell whose object is meant.</summary>
    public IReadOnlyList<string> NamesSharedBy(PoolId pool) =>
    [
        .. _volumes.Shared.Where(shared => shared.Value.Any(id => id.Pool == pool)).OrderBy(shared => shared.Key).Select(shared => Told("volume", shared.Key, shared.Value)),
        .. _snapshots.Shared.Where(shared => shared.Value.Any(id => id.Pool == pool)).OrderBy(shared => shared.Key).Select(shared => Told("snapshot", shared.Key, shared.Value)),
        .. _groups.Shared.Where(shared => shared.Value.Any(id => id.Pool == pool)).OrderBy(shared => shared.Key).Select(shared => Told("snapshot group", shared.Key, shared.Value)),
    ];

    /// <summary>The volumes, ordered by key, from just after an id; complete for all objects that exist throughout, whatever comes and goes.</summary>
    public IEnumerable<Volume> Volumes(VolumeId? after = null) => _volumes.From(after);

    /// <summary>The snapshots, like <see cref="Volumes"/>.</summary>
    public IEnumerable<Snapshot> Snapshots(SnapshotId? after = null) => _snapshots.From(after);

    /// <summary>The snapshots that were cut from a volume, which may be gone itself, ordered by key.</summary>
    public IEnumerable<Snapshot> SnapshotsOf(VolumeId volume, SnapshotId? after = null)
    {
        foreach (var id in CatalogOrder.From(_snapshotsOf.GetValueOrDefault(volume, []), after))
        {
            if (Find(id) is { } snapshot)
                yield return snapshot;
        }
    }

    /// <summary>The sum of the sizes of a pool's volumes: what it has promised, and at most the largest size that there is.</summary>
    public ByteSize PromisedBy(PoolId pool) => new((long)Int128.Min(_promised.GetValueOrDefault(pool), long.MaxValue));

    /// <summary>Adds a volume or replaces it.</summary>
    public void Put(Volume volume)
    {
        var before = _volumes.Put(volume);
        if (volume.Ephemeral is { } use)
            _ephemeral[use.Id] = volume.Id;
        Promise(volume.Id.Pool, (volume.Size?.Bytes ?? 0) - (before?.Size?.Bytes ?? 0));
    }

    /// <summary>Adds a snapshot or replaces it.</summary>
    public void Put(Snapshot snapshot)
    {
        _snapshots.Put(snapshot);
        _snapshotsOf.AddOrUpdate(snapshot.SourceVolume, _ => [snapshot.Id], (_, ids) => ids.Add(snapshot.Id));
    }

    /// <summary>Removes a volume, if it is there.</summary>
    public void Remove(VolumeId id)
    {
        if (_volumes.Remove(id) is not { } volume)
            return;
        Promise(id.Pool, -(volume.Size?.Bytes ?? 0));
        if (volume.Ephemeral is { } use)
            _ephemeral.TryRemove(new KeyValuePair<EphemeralId, VolumeId>(use.Id, id));
    }

    /// <summary>Removes a snapshot, if it is there.</summary>
    public void Remove(SnapshotId id)
    {
        if (_snapshots.Remove(id) is { } snapshot)
            _snapshotsOf.AddOrUpdate(snapshot.SourceVolume, _ => [], (_, ids) => ids.Remove(id));
    }

    /// <summary>Adds all that a pool holds, at its load.</summary>
    public void Add(PoolId id, Pools.PoolContents contents)
    {
        _volumes.AddRange(contents.Volumes);
        var grouped = contents.Snapshots.ToLookup(IsMember);
        var single = grouped[false].ToList();
        _snapshots.AddRange(single);
        foreach (var volume in contents.Volumes)
        {
            if (volume.Ephemeral is { } use)
                _ephemeral[use.Id] = volume.Id;
        }
        foreach (var pool in contents.Volumes.GroupBy(volume => volume.Id.Pool))
            Promise(pool.Key, pool.Aggregate(Int128.Zero, (sum, volume) => sum + (volume.Size?.Bytes ?? 0)));
        foreach (var family in single.GroupBy(snapshot => snapshot.SourceVolume))
        {
            var ids = family.Select(snapshot => snapshot.Id).ToImmutableSortedSet();
            _snapshotsOf.AddOrUpdate(family.Key, _ => ids, (_, known) => known.Union(ids));
        }
        AddGroups(
            id, [.. grouped[true]], [.. contents.Unreadable.Where(record => record is { IsSnapshot: true, Key: not null }).Select(record => record.Key!.Value)]);
    }

    /// <summary>Takes all out that a pool holds, when it goes.</summary>
    public void Remove(PoolId pool)
    {
        foreach (var volume in Volumes().Where(volume => volume.Id.Pool == pool).ToList())
            Remove(volume.Id);
        foreach (var snapshot in Snapshots().Where(snapshot => snapshot.Id.Pool == pool).ToList())
            Remove(snapshot.Id);
        RemoveGroups(pool);
    }

    private static string Told<TId>(string noun, ObjectKey key, ImmutableArray<TId> ids) =>
        $"another pool has a {noun} of the name '{key}' too: {string.Join(" and ", ids)} are found by their ids alone";

    // Two volumes of any size may already be more than a long holds.
    private void Promise(PoolId pool, Int128 bytes) => _promised.AddOrUpdate(pool, bytes, (_, promised) => promised + bytes);
}
