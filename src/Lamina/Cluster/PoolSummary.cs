using System.Globalization;
using Lamina.Hosting;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>This node's pools in a few lines each, for <c>kubectl</c>. Bounded, and without what changes at every moment.</summary>
internal sealed class PoolSummary(PoolSet pools, StateSampler sampler, TimeProvider time)
{
    /// <summary>So many pools are shown.</summary>
    internal const int MaxPools = 100;

    /// <summary>What is available is told in such parts of the size.</summary>
    private const long Parts = 100;

    /// <summary>The lines by the pool's name.</summary>
    internal SortedDictionary<string, string> Look() =>
        new(pools.List().Take(MaxPools).ToDictionary(pool => pool.Settings.Name.ToString(), LinesOf), StringComparer.Ordinal);

    private string LinesOf(PoolStatus pool)
    {
        var description = pool.Loaded?.Pool.Description;
        var last = sampler.Of(pool.Settings.Name) is { } sample && sample.Id == pool.Loaded?.Id ? sample : null;
        var isFresh = last is not null && time.GetUtcNow() - last.At < sampler.StaleAfter;
        List<(string Key, string? Value)> lines =
        [
            ("id", description?.Id.ToString()),
            ("backend", pool.Settings.Backend.ToString().ToLowerInvariant()),
            ("state", StateOf(pool, last, isFresh)),
            ("size", isFresh ? last!.Capacity?.Total.ToString() : null),
            ("available", isFresh && last!.Capacity is { } capacity ? Rounded(capacity).ToString() : null),
            ("limits", description is null ? null : description.Features.HasFlag(PoolFeatures.HardLimits) ? "hard" : "advisory"),
        ];
        return string.Concat(lines.Where(line => line.Value is not null).Select(line => string.Create(CultureInfo.InvariantCulture, $"{line.Key}: {line.Value}\n")));
    }

    private static string StateOf(PoolStatus pool, PoolSample? last, bool isFresh) =>
        pool.Loaded is null ? $"not served: {LoggedText.Clean(pool.Problem ?? "")}"
        : last is null ? "served"
        : !isFresh ? "does not answer"
        : last.Problems.Count > 0 ? $"degraded: {LoggedText.Clean(string.Join("; ", last.Problems))}"
        : "served";

    // Down, so that nobody is promised what is not there.
    private static ByteSize Rounded(PoolCapacity capacity) =>
        capacity.Total.Bytes / Parts is > 0 and var part ? new ByteSize(capacity.Available.Bytes / part * part) : capacity.Available;
}
