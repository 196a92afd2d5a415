using System.Collections.Immutable;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>
/// Compares our volumes with the PersistentVolumes. Who is alone is called an orphan when the grace is over and a complete list, asked for after that, still has it alone:
/// neither a list that failed nor a watch that was silent can make one. For one caller at a time.
/// </summary>
internal sealed class OrphanFinder(Catalog catalog, PoolSet pools)
{
    private readonly Dictionary<(OrphanKind Kind, string Name), DateTimeOffset> _alone = [];

    /// <summary>Whether somebody's grace is over, and only another list can say more.</summary>
    internal bool NeedsList { get; private set; }

    /// <summary>The orphans, the oldest first.</summary>
    /// <param name="view">What is known of the cluster.</param>
    /// <param name="grace">How long somebody may be alone.</param>
    /// <param name="now">The time.</param>
    internal ImmutableArray<Orphan> Look(PersistentVolumeView view, TimeSpan grace, DateTimeOffset now)
    {
        var alone = VolumesAlone(view).Concat(PersistentVolumesAlone(view)).ToHashSet();
        foreach (var found in _alone.Keys.Where(known => !alone.Contains(known)).ToList())
            _alone.Remove(found);
        foreach (var lost in alone)
            _alone.TryAdd(lost, now);
        NeedsList = _alone.Values.Any(since => since + grace <= now && since + grace > view.ListBegan);
        return [.. _alone.Where(lost => lost.Value + grace <= view.ListBegan).OrderBy(lost => lost.Value).ThenBy(lost => lost.Key.Name, StringComparer.Ordinal)
            .Select(lost => new Orphan(lost.Key.Kind, lost.Key.Name, lost.Value))];
    }

    // An inline volume goes with its pod and never has a PersistentVolume.
    private IEnumerable<(OrphanKind Kind, string Name)> VolumesAlone(PersistentVolumeView view)
    {
        var named = view.Entries.Values.Select(entry => entry.Volume).ToHashSet();
        return catalog.Volumes().Where(volume => volume is { Door: Door.Csi, Ephemeral: null } && view.Pools.Contains(volume.Id.Pool) && !named.Contains(volume.Id))
            .Select(volume => (OrphanKind.Volume, volume.Id.ToString()));
    }

    // Of a pool that is not served nothing is known, and a record that can't be read may be the volume's.
    private IEnumerable<(OrphanKind Kind, string Name)> PersistentVolumesAlone(PersistentVolumeView view) => view.Entries.Values
        .Where(entry => catalog.Find(entry.Volume) is null && pools.TryResolve(entry.Volume.Pool, out var pool) && pool.Unreadable.IsEmpty)
        .Select(entry => (OrphanKind.PersistentVolume, entry.Name));
}
