using System.Collections.Immutable;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>Tells of orphans, for as long as they are. Nothing is done about them: a cluster that was set up anew would take every volume for one.</summary>
internal sealed class OrphanNotices(
    PersistentVolumeIndex index, PersistentVolumeWatcher watcher, Catalog catalog, PoolSet pools, ForgottenPools forgotten, ClusterSubjects subjects, ClusterNotices notices,
    ClusterStanding standing, LaminaOptions options, TimeProvider time, ILogger<OrphanNotices> logger)
{
    /// <summary>More at once have one cause, which many events would only hide.</summary>
    internal const int MaxAtOnce = 10;

    private readonly OrphanFinder _finder = new(catalog, pools, forgotten, time);
    private readonly Episodes _episodes = new(time);
    private ImmutableHashSet<(OrphanKind Kind, string Name)> _logged = [];

    /// <summary>Compares what is known of both sides.</summary>
    internal void Look()
    {
        if (index.View is not { } view)
            return;
        standing.Orphans = _finder.Look(view, options.Cluster.OrphanGrace);
        // A pool that came later, or was forgotten since, was not looked for either.
        if (index.IsCurrent && (_finder.NeedsList || pools.Loaded.Select(pool => pool.Id).Concat(forgotten.Ids).Any(pool => !view.Pools.Contains(pool))))
            watcher.ListAgain();
        if (standing.Orphans is not { } orphans)
            return;
        Log(orphans);
        var episodes = orphans.Select(EpisodeOf).ToHashSet();
        _episodes.Keep((reason, about) => episodes.Contains((reason, about)));
        var due = orphans.Where(orphan => _episodes.IsDue(ReasonOf(orphan), orphan.Name)).ToList();
        if (due.Count <= MaxAtOnce)
            due.ForEach(orphan => _episodes.See(ReasonOf(orphan), orphan.Name, true, () => Tell(orphan, view)));
        else if (TellAll(due))
            _episodes.Told(due.Select(EpisodeOf));
    }

    private static NoticeReason ReasonOf(Orphan orphan) => orphan.Kind == OrphanKind.Volume ? NoticeReason.VolumeOrphaned : NoticeReason.VolumeMissing;

    private static (NoticeReason Reason, string About) EpisodeOf(Orphan orphan) => (ReasonOf(orphan), orphan.Name);

    private bool Tell(Orphan orphan, PersistentVolumeView view)
    {
        if (orphan.Kind == OrphanKind.PersistentVolume)
            return view.Entries.GetValueOrDefault(orphan.Name) is not { } entry || TellMissing(entry);
        if (!VolumeId.TryParse(orphan.Name, out var id) || catalog.Find(id) is not { } volume)
            return true;
        var madeFor = ClusterSubjects.ClaimOf(volume.Labels) is { } claim ? $", made for {claim}," : "";
        return Tell(NoticeReason.VolumeOrphaned, subjects.Node, orphan.Name,
            $"volume {id}{madeFor} is named by no PersistentVolume. It is kept; if nobody needs it: lamina volume rm --any-door {id}");
    }

    private bool TellMissing(PersistentVolumeEntry entry)
    {
        var message = forgotten.Contains(entry.Volume.Pool)
            ? $"volume {entry.Volume} of PersistentVolume {entry.Name} is gone with its pool, which was forgotten on node {options.NodeName}"
            : $"volume {entry.Volume} of PersistentVolume {entry.Name} is not in its pool on node {options.NodeName} any more: whoever deleted it went past Kubernetes, or the pool is an older copy";
        return Tell(NoticeReason.VolumeMissing, ClusterObject.PersistentVolume(entry.Name, entry.Uid), entry.Name, message)
            && (entry.Claim is not { } claim || Tell(NoticeReason.VolumeMissing, claim, entry.Name, message));
    }

    private bool TellAll(List<Orphan> orphans) => Tell(NoticeReason.VolumeOrphaned, subjects.Node, "",
        $"{orphans.Count} volumes and PersistentVolumes have lost each other, such as {string.Join(", ", orphans.Take(MaxAtOnce).Select(orphan => orphan.Name))}; all are kept, and the daemon's log names each");

    private bool Tell(NoticeReason reason, ClusterObject subject, string about, string message) => notices.Tell(new Notice(reason, subject, about, message, time.GetUtcNow()));

    private void Log(ImmutableArray<Orphan> orphans)
    {
        foreach (var orphan in orphans.Where(orphan => !_logged.Contains((orphan.Kind, orphan.Name))))
        {
            if (orphan.Kind == OrphanKind.Volume)
                logger.VolumeOrphaned(orphan.Name);
            else
                logger.VolumeMissing(orphan.Name);
        }
        _logged = [.. orphans.Select(orphan => (orphan.Kind, orphan.Name))];
    }
}
