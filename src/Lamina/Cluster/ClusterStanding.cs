using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Lamina.Cluster;

/// <summary>How we stand with the cluster, for metrics: memory alone, and written by whoever knows.</summary>
internal sealed class ClusterStanding
{
    // Behind one reference, so that who reads meanwhile never sees half of it.
    private StrongBox<ImmutableArray<Orphan>>? _orphans;
    private long _sent;
    private long _dropped;
    private long _refused;
    private long _failures;

    /// <summary>The orphans at the last look; null: they are not known, or not known yet.</summary>
    internal ImmutableArray<Orphan>? Orphans
    {
        get => Volatile.Read(ref _orphans)?.Value;
        set => Volatile.Write(ref _orphans, value is { } known ? new(known) : null);
    }

    /// <summary>Events that the API server took.</summary>
    internal long EventsSent => Interlocked.Read(ref _sent);

    /// <summary>Those that did not find room to wait, or waited too long.</summary>
    internal long EventsDropped => Interlocked.Read(ref _dropped);

    /// <summary>Those that the API server refused for good.</summary>
    internal long EventsRefused => Interlocked.Read(ref _refused);

    /// <summary>Requests that failed, those among them that were made again later.</summary>
    internal long Failures => Interlocked.Read(ref _failures);

    internal void Sent() => Interlocked.Increment(ref _sent);

    internal void Dropped() => Interlocked.Increment(ref _dropped);

    internal void Refused() => Interlocked.Increment(ref _refused);

    internal void Failed() => Interlocked.Increment(ref _failures);
}
