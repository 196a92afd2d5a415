using System.Collections.Immutable;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>
/// Compares our volumes with the PersistentVolumes. Who is alone is called an orphan when the grace is over and a complete list, asked for after that, still has it alone:
/// neither a list that failed nor a watch that was silent can make one, nor a clock that somebody sets. For one caller at a time.
/// </summary>
internal sealed class OrphanFinder(Catalog catalog, PoolSet pools, ForgottenPools forgotten, TimeProvider time)
{
    private readonly Dictionary<(OrphanKind Kind, string Name), long> _alone = [];
    private long? _began;
    private bool _isKnown;

    /// <summary>Whether somebody's grace is over, and only another list can say more.</summary>
    internal bool NeedsList { get; private set; }

    /// <summary>The orphans, the oldest first; null: whoever was alone from the beginning may be one, and that is not known yet.</summary>
    /// <param name="view">What is known of the cluster.</param>
    /// <param name="grace">How long somebody may be alone.</param>
    internal ImmutableArray<Orphan>? Look(PersistentVolumeView view, TimeSpan grace)
    {
        var now = time.GetTimestamp();
        _began ??= now;
        var alone = VolumesAlone(view).Concat(PersistentVolumesAlone(view)).ToHashSet();
        foreach (var found in _alone.Keys.Where(known => !alone.Contains(known)).ToList())
            _alone.Remove(found);
        foreach (var lost in alone)
            _alone.TryAdd(lost, now);
        NeedsList = _alone.Values.Any(since => time.GetElapsedTime(since, now) >= grace && !IsOver(since));
        _isKnown |= alone.Count == 0 || IsOver(_began.Value);
        return !_isKnown ? null : [.. _alone.Where(lost => IsOver(lost.Value)).OrderBy(lost => lost.Value).ThenBy(lost => lost.Key.Name, StringComparer.Ordinal)
            .Select(lost => new Orphan(lost.Key.Kind, lost.Key.Name, lost.Value))];

        bool IsOver(long since) => time.GetElapsedTime(since, view.ListBegan) >= grace;
    }

    // An inline volume goes with its pod and never has a PersistentVolume.
    private IEnumerable<(OrphanKind Kind, string Name)> VolumesAlone(PersistentVolumeView view) => catalog.Volumes()
        .Where(volume => volume is { Door: Door.Csi, Ephemeral: null } && view.Pools.Contains(volume.Id.Pool) && view.Naming(volume.Id) is null)
        .Select(volume => (OrphanKind.Volume, volume.Id.ToString()));

    // Who deletes both properly deletes the volume first.
    private IEnumerable<(OrphanKind Kind, string Name)> PersistentVolumesAlone(PersistentVolumeView view) => view.Entries.Values
        .Where(entry => !entry.IsBeingDeleted && catalog.Find(entry.Volume) is null && IsGone(entry.Volume))
        .Select(entry => (OrphanKind.PersistentVolume, entry.Name));

    // Of a pool that is not served nothing is known, unless it is gone for good; and a record that can't be read may be the volume's.
    private bool IsGone(VolumeId volume) => pools.TryResolve(volume.Pool, out var pool) ? pool.Unreadable.IsEmpty : forgotten.Contains(volume.Pool);
}
