using System.Globalization;
using Lamina.Hosting;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>Tells of volumes that are nearly full, or use more than their size where nothing enforces it: beside the claim, or the pod of an inline volume.</summary>
internal sealed class UsageNotices(PoolSet pools, Catalog catalog, StateSampler sampler, ClusterSubjects subjects, ClusterNotices notices, LaminaOptions options, TimeProvider time)
{
    private const double Full = 0.9;
    private const double FullNoMore = 0.85;
    private const double Over = 1;
    private const double OverNoMore = 0.95;
    private readonly Episodes _episodes = new();

    /// <summary>Looks at what was seen of the volumes last.</summary>
    internal void Look()
    {
        foreach (var pool in pools.Loaded)
        {
            if (sampler.Of(pool.Name) is { } sample && sample.Id == pool.Id && time.GetUtcNow() - sample.At < sampler.StaleAfter)
            {
                foreach (var volume in sample.Volumes)
                    Look(pool, volume);
            }
        }
        _episodes.Keep(id => VolumeId.TryParse(id, out var volume) && catalog.Find(volume) is not null);
    }

    private void Look(LoadedPool pool, VolumeSample sample)
    {
        // The record as it is now: it may have grown since. What an image takes of the pool is not what the filesystem or database in it has used up.
        if (catalog.Find(sample.Volume.Id) is not { Door: Door.Csi, IsImage: false, Size: { Bytes: > 0 } size } volume || sample.Usage is not { } usage)
            return;
        var ratio = usage.Used.Bytes / (double)size.Bytes;
        var isAdvisory = !pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits);
        var isOver = isAdvisory ? Compare(ratio, Over, OverNoMore) : false;
        _episodes.See(NoticeReason.VolumeOverLimit, volume.Id.ToString(), isOver, () => Tell(NoticeReason.VolumeOverLimit, volume, usage, size,
            $"pool '{pool.Name}' does not enforce sizes, and what it writes more may be missing to others"));
        _episodes.See(NoticeReason.VolumeNearlyFull, volume.Id.ToString(), Compare(ratio, Full, FullNoMore), () => isOver == true || Tell(NoticeReason.VolumeNearlyFull, volume, usage, size,
            volume.Ephemeral is null ? "grow it by the claim's spec.resources.requests.storage" : "its size is that of the pod's volume attributes"));
    }

    // Between the two it is neither, so that a volume at the border is not told of again and again.
    private static bool? Compare(double ratio, double begin, double end) => ratio > begin ? true : ratio < end ? false : null;

    // What has no claim has nobody to be told, now and later.
    private bool Tell(NoticeReason reason, Volume volume, VolumeUsage usage, ByteSize size, string advice) =>
        subjects.Of(volume) is not { } subject ? subjects.AreKnown : notices.Tell(new Notice(reason, subject, volume.Id.ToString(), string.Create(CultureInfo.InvariantCulture,
            $"volume {volume.Id} on node {options.NodeName} uses {usage.Used} of {size} ({100.0 * usage.Used.Bytes / size.Bytes:0} %); {advice}"), usage.MeasuredAt));
}
