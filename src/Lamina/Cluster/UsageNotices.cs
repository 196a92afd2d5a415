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
    private readonly Episodes _episodes = new(time);

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
        // The record as it is now: it may have grown since.
        if (catalog.Find(sample.Volume.Id) is not { Door: Door.Csi, Size: { Bytes: > 0 } size } volume || FullnessOf(sample, size) is not var (used, whole))
            return;
        var ratio = used.Bytes / (double)whole.Bytes;
        var isAdvisory = !volume.IsImage && !pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits);
        var isOver = isAdvisory ? Compare(ratio, Over, OverNoMore) : false;
        _episodes.See(NoticeReason.VolumeOverLimit, volume.Id.ToString(), isOver, () => Tell(NoticeReason.VolumeOverLimit, volume, used, whole,
            $"pool '{pool.Name}' does not enforce sizes, and what it writes more may be missing to others"));
        _episodes.See(NoticeReason.VolumeNearlyFull, volume.Id.ToString(), Compare(ratio, Full, FullNoMore), () => isOver == true || Tell(NoticeReason.VolumeNearlyFull, volume, used, whole,
            volume.Ephemeral is null ? "grow it by the claim's spec.resources.requests.storage" : "its size is that of the pod's volume attributes"));
    }

    // What is used, and of what; null: unknown. By the rules of a volume's statistics.
    private static (ByteSize Used, ByteSize Whole)? FullnessOf(VolumeSample sample, ByteSize size)
    {
        // What an image takes of the pool is not what its filesystem has used up, and of a raw device only its user knows. The room that a filesystem keeps
        // for root or itself is nobody's: as df has it.
        if (sample.Volume.IsImage)
            return sample.OwnSpace is { } own && own.Used.Bytes + own.Available.Bytes is > 0 and var whole ? (own.Used, new ByteSize(whole)) : null;
        // What the kernel still lets it write is what counts where it says so. It knows nothing yet of a size that came after the look.
        if (sample.Figures.Headroom is { } left)
            return sample.Volume.Size == size ? (new ByteSize(Math.Max(0, size.Bytes - left.Bytes)), size) : null;
        return sample.Usage is { } usage ? (usage.Used, size) : null;
    }

    // Between the two it is neither, so that a volume at the border is not told of again and again.
    private static bool? Compare(double ratio, double begin, double end) => ratio > begin ? true : ratio < end ? false : null;

    // What has no claim yet may have one at the next look.
    private bool Tell(NoticeReason reason, Volume volume, ByteSize used, ByteSize whole, string advice) =>
        subjects.Of(volume) is { } subject && notices.Tell(new Notice(reason, subject, volume.Id.ToString(), string.Create(CultureInfo.InvariantCulture,
            $"volume {volume.Id} on node {options.NodeName} uses {used} of {whole} ({100.0 * used.Bytes / whole.Bytes:0} %); {advice}"), time.GetUtcNow()));
}
