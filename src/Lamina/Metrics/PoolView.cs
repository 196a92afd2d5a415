using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>A pool at the time of a scrape: what memory tells now, and what was seen at the last look.</summary>
/// <param name="Status">Its configuration, and whether it is served.</param>
/// <param name="LastLook">The last look that came to an end, however long ago; null: none.</param>
/// <param name="Sample">The same, if it is recent enough to be told.</param>
/// <param name="Catalog">What it holds.</param>
internal sealed record PoolView(PoolStatus Status, PoolSample? LastLook, PoolSample? Sample, Catalog Catalog)
{
    /// <summary>The pool, where it is served.</summary>
    internal LoadedPool? Pool => Status.Loaded;

    /// <summary>Figures of what it lies on, if its last look is recent enough for them to be told.</summary>
    internal PoolHealth? Health => Sample is null ? null : Pool?.Pool.Health;

    /// <summary>What it has promised to its volumes.</summary>
    internal double? Promised => Pool is { } pool ? Catalog.PromisedBy(pool.Id).Bytes : null;
}
