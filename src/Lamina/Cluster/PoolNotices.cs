using System.Globalization;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>Tells of pools that are not served, or not well: beside the node.</summary>
internal sealed class PoolNotices(PoolSet pools, StateSampler sampler, ClusterSubjects subjects, ClusterNotices notices, TimeProvider time)
{
    private readonly Episodes _episodes = new(time);
    private readonly Dictionary<PoolName, (DateTimeOffset? At, long Since)> _answers = [];

    /// <summary>Looks at how the pools are.</summary>
    internal void Look()
    {
        if (!pools.IsReady)
            return;
        foreach (var pool in pools.List())
        {
            var name = pool.Settings.Name.ToString();
            See(NoticeReason.PoolOffline, name, pool.Loaded is null, $"pool '{name}' is not served: {pool.Problem}");
            if (pool.Loaded is { } loaded && ProblemOf(loaded) is var (isDegraded, problem))
                See(NoticeReason.PoolDegraded, name, isDegraded, $"pool '{name}'{problem}");
            else
                _answers.Remove(pool.Settings.Name);
        }
    }

    private (bool? IsDegraded, string Problem) ProblemOf(LoadedPool pool)
    {
        var last = sampler.Of(pool.Name) is { } sample && sample.Id == pool.Id ? sample : null;
        if (IsSilent(pool.Name, last?.At))
            return (true, last is null ? " does not answer" : string.Create(CultureInfo.InvariantCulture, $" does not answer since {last.At.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}"));
        // One that could not be looked at lately says neither.
        if (last is null || time.GetUtcNow() - last.At >= sampler.StaleAfter)
            return (null, "");
        return (last.Problems.Count > 0, $": {string.Join("; ", last.Problems)}");
    }

    // By what we have seen of its answers: a host that slept, or whose clock was set, has old ones of pools that are well.
    private bool IsSilent(PoolName pool, DateTimeOffset? at)
    {
        if (!_answers.TryGetValue(pool, out var last) || last.At != at)
            _answers[pool] = last = (at, time.GetTimestamp());
        return time.GetElapsedTime(last.Since) > sampler.StaleAfter;
    }

    private void See(NoticeReason reason, string pool, bool? isSo, string message) =>
        _episodes.See(reason, pool, isSo, () => notices.Tell(new Notice(reason, subjects.Node, pool, Hosting.LoggedText.Clean(message), time.GetUtcNow())));
}
