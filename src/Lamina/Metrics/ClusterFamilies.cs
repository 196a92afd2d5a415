namespace Lamina.Metrics;

/// <summary>How we stand with a Kubernetes cluster. Without one there are no series.</summary>
internal static class ClusterFamilies
{
    /// <summary>So many orphans of each kind have an age of their own.</summary>
    internal const int MaxOrphans = 100;

    internal static readonly Family Synced = new("lamina_cluster_synced", "gauge",
        "Whether a watch keeps our view of the PersistentVolumes up to date (1) or the API server can't be asked (0); absent without a cluster.");

    internal static readonly Family Orphans = new("lamina_orphan_volumes", "gauge",
        "Volumes of CSI that no PersistentVolume names (kind volume), and PersistentVolumes of this node's pools whose volume is gone (kind persistentvolume); absent until all are known.", "kind");

    internal static readonly Family OrphanAge = new("lamina_orphan_volume_age_seconds", "gauge",
        "How long an orphan has been alone, as far as this daemon has seen; of each kind the oldest hundred.", "kind", "name");

    internal static readonly Family Events = new("lamina_cluster_events_total", "counter",
        "Events for the cluster by result: sent, refused by the API server, or dropped as it did not take them in time.", "result");

    internal static readonly Family Failures = new("lamina_cluster_request_failures_total", "counter", "Requests to the API server that failed; what can be is asked again.");

    internal static IReadOnlyList<Family> All => [Synced, Orphans, OrphanAge, Events, Failures];
}
