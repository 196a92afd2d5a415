using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>A pool as it was looked at last.</summary>
internal sealed class PoolSample
{
    /// <summary>Which one: another may come to its name.</summary>
    internal required PoolId Id { get; init; }

    /// <summary>When the look began, or when the disk last told what was seen, if that is longer ago.</summary>
    internal required DateTimeOffset At { get; init; }

    /// <summary>Its room; null: unknown.</summary>
    internal PoolCapacity? Capacity { get; init; }

    /// <summary>What its backend knows besides.</summary>
    internal PoolFigures Figures { get; init; } = new();

    /// <summary>What is wrong with what it lies on.</summary>
    internal IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Its loop devices; null: unknown.</summary>
    internal int? LoopDevices { get; init; }

    /// <summary>Its volumes, in order, and not more than are published.</summary>
    internal VolumeSample[] Volumes { get; init; } = [];
}
