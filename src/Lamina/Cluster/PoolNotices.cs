using Lamina.Metrics;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>Tells of pools that are not served, or not well: beside the node.</summary>
internal sealed class PoolNotices(PoolSet pools, StateSampler sampler, ClusterSubjects subjects, ClusterNotices notices, TimeProvider time)
{
    private readonly Episodes _episodes = new();

    /// <summary>Looks at how the pools are.</summary>
    internal void Look()
    {
        if (!pools.IsReady)
            return;
        foreach (var pool in pools.List())
        {
            var name = pool.Settings.Name.ToString();
            See(NoticeReason.PoolOffline, name, pool.Loaded is null, $"pool '{name}' is not served: {pool.Problem}");
            // One that could not be looked at lately says neither.
            var sample = sampler.Of(pool.Settings.Name) is { } last && last.Id == pool.Loaded?.Id && time.GetUtcNow() - last.At < sampler.StaleAfter ? last : null;
            See(NoticeReason.PoolDegraded, name, sample?.Problems.Count > 0 ? true : sample is null ? null : false, $"pool '{name}': {string.Join("; ", sample?.Problems ?? [])}");
        }
    }

    private void See(NoticeReason reason, string pool, bool? isSo, string message) =>
        _episodes.See(reason, pool, isSo, () => notices.Tell(new Notice(reason, subjects.Node, pool, Hosting.LoggedText.Clean(message), time.GetUtcNow())));
}
