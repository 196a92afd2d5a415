using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>A volume as it was looked at last. There may be many thousand, so it holds little.</summary>
internal sealed class VolumeSample
{
    /// <summary>The volume's record at that time.</summary>
    internal required Volume Volume { get; init; }

    /// <summary>The labels of its series, as they stand in the answer.</summary>
    internal required byte[] Labels { get; init; }

    /// <summary>What it uses; null: unknown.</summary>
    internal VolumeUsage? Usage { get; init; }

    /// <summary>What its own filesystem says; null: it has none for itself, or is not attached.</summary>
    internal VolumeSpace? OwnSpace { get; init; }

    /// <summary>What its backend knows of it besides.</summary>
    internal VolumeFigures Figures { get; init; }

    /// <summary>What its device has done since it was seen as the volume's for the first time; null: it has none for itself, or is not attached.</summary>
    internal BlockStatistics? Device { get; init; }

    /// <summary>Which one that is.</summary>
    internal string? DeviceName { get; init; }

    /// <summary>What it had done by then, for others as a rule.</summary>
    internal BlockStatistics? DeviceBegin { get; init; }

    /// <summary>What each of its snapshots holds alone, summed; -1: unknown.</summary>
    internal long SnapshotBytes { get; init; } = -1;

    /// <summary>When the oldest part of that was so.</summary>
    internal DateTimeOffset SnapshotBytesAt { get; init; }

    /// <summary>How many snapshots it has.</summary>
    internal int Snapshots { get; init; }

    /// <summary>When the first of them was cut.</summary>
    internal DateTimeOffset OldestSnapshot { get; init; }

    /// <summary>When the last of them was cut.</summary>
    internal DateTimeOffset NewestSnapshot { get; init; }
}
