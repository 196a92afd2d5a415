using System.Collections.Immutable;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>Tells of orphans, once each. Nothing is done about them: a cluster that was set up anew would take every volume for one.</summary>
internal sealed class OrphanNotices(
    PersistentVolumeIndex index, PersistentVolumeWatcher watcher, Catalog catalog, PoolSet pools, ClusterSubjects subjects, ClusterNotices notices, ClusterStanding standing,
    LaminaOptions options, TimeProvider time, ILogger<OrphanNotices> logger)
{
    // More at once have one cause, which many events would only hide.
    private const int MaxAtOnce = 10;

    private readonly OrphanFinder _finder = new(catalog, pools);
    private ImmutableHashSet<(OrphanKind Kind, string Name)> _told = [];

    /// <summary>Compares what is known of both sides.</summary>
    internal void Look()
    {
        if (index.View is not { } view)
            return;
        var orphans = _finder.Look(view, options.Cluster.OrphanGrace, time.GetUtcNow());
        standing.Orphans = orphans;
        // A pool that came later, too, was not looked for.
        if (index.IsCurrent && (_finder.NeedsList || pools.Loaded.Any(pool => !view.Pools.Contains(pool.Id))))
            watcher.ListAgain();
        _told = _told.Intersect(orphans.Select(orphan => (orphan.Kind, orphan.Name)));
        var fresh = orphans.Where(orphan => !_told.Contains((orphan.Kind, orphan.Name))).ToList();
        foreach (var orphan in fresh)
            Log(orphan);
        if (fresh.Count > MaxAtOnce)
            TellAll(fresh);
        else
            fresh.ForEach(orphan => Tell(orphan, view));
        _told = _told.Union(fresh.Select(orphan => (orphan.Kind, orphan.Name)));
    }

    private void Tell(Orphan orphan, PersistentVolumeView view)
    {
        if (orphan.Kind == OrphanKind.PersistentVolume && view.Entries.GetValueOrDefault(orphan.Name) is { } entry)
        {
            var message = $"volume {entry.Volume} of PersistentVolume {entry.Name} is not in its pool on node {options.NodeName} any more: whoever deleted it went past Kubernetes, or the pool is an older copy";
            Tell(NoticeReason.VolumeMissing, ClusterObject.PersistentVolume(entry.Name, entry.Uid), entry.Name, message);
            if (entry.Claim is { } claim)
                Tell(NoticeReason.VolumeMissing, claim, entry.Name, message);
        }
        else if (VolumeId.TryParse(orphan.Name, out var id) && catalog.Find(id) is { } volume)
        {
            var madeFor = ClusterSubjects.ClaimOf(volume.Labels) is { } claim ? $", made for {claim}," : "";
            Tell(NoticeReason.VolumeOrphaned, subjects.Node, orphan.Name,
                $"volume {id}{madeFor} is named by no PersistentVolume. It is kept; if nobody needs it: lamina volume rm --any-door {id}");
        }
    }

    private void TellAll(List<Orphan> orphans) => Tell(NoticeReason.VolumeOrphaned, subjects.Node, "",
        $"{orphans.Count} volumes and PersistentVolumes have lost each other, such as {string.Join(", ", orphans.Take(MaxAtOnce).Select(orphan => orphan.Name))}; all are kept, and the daemon's log names each");

    private void Tell(NoticeReason reason, ClusterObject subject, string about, string message) => notices.Tell(new Notice(reason, subject, about, message, time.GetUtcNow()));

    private void Log(Orphan orphan)
    {
        if (orphan.Kind == OrphanKind.Volume)
            logger.VolumeOrphaned(orphan.Name);
        else
            logger.VolumeMissing(orphan.Name);
    }
}
