using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Lamina.Storage;

/// <content>
/// Groups of snapshots. A group has no record of its own, so a crash while its members appear or disappear one after another leaves some of
/// them. No list shows those: a member of which it is certain that another one is missing is kept aside here until its group is deleted or made anew.
/// </content>
public sealed partial class Catalog
{
    private readonly Lock _grouping = new();
    private readonly CatalogIndex<SnapshotGroupId, SnapshotGroupMembership> _groups = new("snapshot group", group => group.Id, id => id.Key);
    private readonly ConcurrentDictionary<SnapshotId, Snapshot> _incomplete = [];

    // The pools that are loaded, with the snapshots that are there but can't be read.
    private readonly Dictionary<PoolId, ImmutableHashSet<ObjectKey>> _loaded = [];

    /// <summary>The group with that id, or null.</summary>
    public SnapshotGroupMembership? Find(SnapshotGroupId id) => _groups.Find(id);

    /// <summary>The group with that key, in whatever pools, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: several pools have one of that key.</exception>
    public SnapshotGroupMembership? FindGroup(ObjectKey key) => _groups.Find(key);

    /// <summary>The groups, like <see cref="Volumes"/>.</summary>
    public IEnumerable<SnapshotGroupMembership> Groups(SnapshotGroupId? after = null) => _groups.From(after);

    /// <summary>The groups of which members are left, and others are gone.</summary>
    public IReadOnlyList<SnapshotGroupMembership> IncompleteGroups() =>
        _incomplete.IsEmpty ? [] : [.. _incomplete.Values.Select(snapshot => snapshot.Group!).DistinctBy(group => group.Id)];

    /// <summary>What is left of an incomplete group.</summary>
    public IReadOnlyList<Snapshot> RestOf(SnapshotGroupMembership group) =>
        [.. group.Members.Select(member => _incomplete.GetValueOrDefault(member)).OfType<Snapshot>()];

    /// <summary>The snapshot with that id, also when no list shows it as its group is incomplete; or null.</summary>
    public Snapshot? FindAlsoIncomplete(SnapshotId id) => Find(id) ?? _incomplete.GetValueOrDefault(id);

    /// <summary>Adds a group with all its members.</summary>
    public void PutGroup(IReadOnlyCollection<Snapshot> members)
    {
        lock (_grouping)
        {
            Show(members);
            _groups.Put(members.First().Group!);
        }
    }

    /// <summary>Keeps members aside, which may be in the catalog or not: their group is going, or never was.</summary>
    public void Hide(IReadOnlyCollection<Snapshot> members)
    {
        lock (_grouping)
            HideLocked(members);
    }

    /// <summary>Shows a group again of which nothing has gone after all.</summary>
    public void ShowAgain(SnapshotGroupMembership group)
    {
        lock (_grouping)
            Judge([group]);
    }

    /// <summary>Forgets a member that was kept aside, and is gone now.</summary>
    public void RemoveHidden(SnapshotId id) => _incomplete.TryRemove(id, out _);

    private static bool IsMember(Snapshot snapshot) => SnapshotGroupMembership.IsTrueOf(snapshot);

    private void AddGroups(PoolId pool, IReadOnlyCollection<Snapshot> members, ImmutableHashSet<ObjectKey> unreadable)
    {
        lock (_grouping)
        {
            _loaded[pool] = unreadable;
            foreach (var member in members)
                _incomplete[member.Id] = member;

            // The pool may also have what others have waited for, or is certain now not to have it.
            var known = _groups.From(null).Concat(IncompleteGroups()).Where(group => group.Volumes.Any(volume => volume.Pool == pool));
            Judge([.. members.Select(member => member.Group!).Concat(known).DistinctBy(group => group.Id)]);
        }
    }

    private void RemoveGroups(PoolId pool)
    {
        lock (_grouping)
        {
            _loaded.Remove(pool);
            foreach (var id in _incomplete.Keys.Where(id => id.Pool == pool).ToList())
                RemoveHidden(id);
            foreach (var group in _groups.From(null).Where(group => group.Members.All(member => Find(member) is null)).ToList())
                _groups.Remove(group.Id);
        }
    }

    private void Judge(List<SnapshotGroupMembership> groups)
    {
        var (complete, incomplete) = (new List<Snapshot>(), new List<Snapshot>());
        foreach (var group in groups)
        {
            var members = group.Members;
            var isIncomplete = members.Any(IsGone);
            (isIncomplete ? incomplete : complete).AddRange(members.Select(member => Find(member) ?? _incomplete.GetValueOrDefault(member)).OfType<Snapshot>());
            if (!isIncomplete)
                _groups.Put(group);
        }
        Show(complete);
        HideLocked(incomplete);
    }

    // Only a pool that is loaded can tell, and not of what it can't read.
    private bool IsGone(SnapshotId member) =>
        Find(member) is null && !_incomplete.ContainsKey(member) && _loaded.TryGetValue(member.Pool, out var unreadable) && !unreadable.Contains(member.Key);

    private void Show(IReadOnlyCollection<Snapshot> members)
    {
        _snapshots.AddRange(members);
        foreach (var member in members)
        {
            _snapshotsOf.AddOrUpdate(member.SourceVolume, _ => [member.Id], (_, ids) => ids.Add(member.Id));
            _incomplete.TryRemove(member.Id, out _);
        }
    }

    private void HideLocked(IReadOnlyCollection<Snapshot> members)
    {
        foreach (var member in members)
            _incomplete[member.Id] = member;
        foreach (var group in members.Select(member => member.Group!.Id).Distinct())
            _groups.Remove(group);
        foreach (var member in _snapshots.RemoveRange([.. members.Select(member => member.Id)]))
            _snapshotsOf.AddOrUpdate(member.SourceVolume, _ => [], (_, ids) => ids.Remove(member.Id));
    }
}
