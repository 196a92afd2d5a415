using System.Collections.Concurrent;
using Lamina.Cluster;
using Lamina.Csi.Requests;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>
/// Looks at pools and volumes at every interval, with O(1) requests to the kernel for each, so that a scrape needs none. Each pool is looked at by
/// itself: one whose disk hangs is looked at again when the look before has come to an end, and keeps no other waiting.
/// </summary>
internal sealed class StateSampler(
    PoolSet pools, Catalog catalog, AttachmentService attachments, LaminaOptions options, TimeProvider time, ILogger<StateSampler> logger) : BackgroundService
{
    /// <summary>So many volumes of a pool have series of their own.</summary>
    internal const int MaxVolumes = 20_000;

    private static readonly TimeSpan UntilReady = TimeSpan.FromMilliseconds(500);
    private readonly ConcurrentDictionary<PoolName, PoolSample> _samples = [];
    private readonly Dictionary<PoolName, Task> _underWay = [];

    /// <summary>What is older is not told any more: nobody knows whether it is still so.</summary>
    internal TimeSpan StaleAfter => options.Metrics.Interval * 3 + TimeSpan.FromSeconds(5);

    /// <summary>The mounts at the last look; null before the first.</summary>
    internal MountSurvey? Mounts { get; private set; }

    /// <summary>How many volumes are beyond the bound.</summary>
    internal int VolumesWithoutSeries { get; private set; }

    /// <summary>The last look at a pool that came to an end, or null.</summary>
    internal PoolSample? Of(PoolName pool) => _samples.GetValueOrDefault(pool);

    /// <summary>Looks at everything once.</summary>
    /// <returns>Ends when all pools have answered, which nobody should wait for who can't wait for a disk.</returns>
    internal Task LookAsync()
    {
        LookAtMounts();
        var (loops, devices) = (ListLoops(), Mounts?.Devices);
        VolumesWithoutSeries = catalog.VolumeCount > MaxVolumes ? catalog.Volumes().GroupBy(volume => volume.Id.Pool).Sum(pool => Math.Max(0, pool.Count() - MaxVolumes)) : 0;
        var loaded = pools.Loaded.ToList();
        foreach (var gone in _samples.Keys.Except(loaded.Select(pool => pool.Name)).ToList())
            _samples.TryRemove(gone, out _);
        foreach (var pool in loaded.Where(pool => _underWay.GetValueOrDefault(pool.Name) is null or { IsCompleted: true }))
            _underWay[pool.Name] = Task.Run(() => Look(pool, loops, devices));
        return Task.WhenAll(_underWay.Values);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // For nobody but those who are told.
        if ((!ListenAddress.TryParseTcp(options.Metrics.Address, out var endpoint) || endpoint is null) && !ClusterPresence.IsThere(options.Cluster))
            return;
        while (true)
        {
            // What loads later, however slowly, is no reason to wait with what is there.
            var isReady = pools.IsReady;
            _ = LookAsync();
            await Task.Delay(isReady ? options.Metrics.Interval : UntilReady, time, stoppingToken);
        }
    }

    private void LookAtMounts()
    {
        try
        {
            Mounts = attachments.Survey();
        }
        catch (LinuxException e)
        {
            Mounts = null;
            logger.NotLookedAt("the mount table", e.Message);
        }
    }

    // Once for all pools, and by their names alone: the files may lie on a disk that hangs.
    private IReadOnlyList<string>? ListLoops()
    {
        try
        {
            return LoopDevice.ListBackingFiles();
        }
        catch (LinuxException e)
        {
            logger.NotLookedAt("the loop devices", e.Message);
            return null;
        }
    }

    private void Look(LoadedPool pool, IReadOnlyList<string>? loops, IReadOnlyDictionary<VolumeId, string>? devices)
    {
        try
        {
            var at = time.GetUtcNow();
            // First, as it may wait for the disk: the figures then tell from when what it has answered is.
            PoolCapacity? room = pool.TryGetCapacity(out var capacity, out _) ? capacity : null;
            var figures = Unless(pool.Pool.GetFigures, new PoolFigures());
            var before = _samples.GetValueOrDefault(pool.Name) is { } last && last.Id == pool.Id ? last : null;
            _samples[pool.Name] = new PoolSample
            {
                Id = pool.Id,
                At = figures.AsOf is { } known && known < at ? known : at,
                Capacity = room,
                Figures = figures,
                Problems = pools.FindProblems(pool),
                LoopDevices = loops?.Count(file => file.StartsWith(pool.Settings.Path + "/", StringComparison.Ordinal)),
                Volumes = [.. catalog.Volumes().Where(volume => volume.Id.Pool == pool.Id).Take(MaxVolumes).Select(volume => Look(pool, volume, before, devices))],
            };
        }
        catch (Exception e) when (e is LinuxException or StorageException or ObjectDisposedException)
        {
            // The last look stays, with its age. A pool that was let go of meanwhile has none.
            logger.NotLookedAt($"pool '{pool.Name}'", e.Message);
        }
    }

    private VolumeSample Look(LoadedPool pool, Volume volume, PoolSample? before, IReadOnlyDictionary<VolumeId, string>? devices)
    {
        var (count, oldest, newest, bytes, bytesAt) = (0, DateTimeOffset.MaxValue, DateTimeOffset.MinValue, 0L, DateTimeOffset.MaxValue);
        foreach (var snapshot in catalog.SnapshotsOf(volume.Id))
        {
            count++;
            oldest = snapshot.CreatedAt < oldest ? snapshot.CreatedAt : oldest;
            newest = snapshot.CreatedAt > newest ? snapshot.CreatedAt : newest;
            // One that is not known makes the sum unknown.
            var usage = bytes >= 0 ? Unless(() => pool.Pool.GetUsage(snapshot), null) : null;
            bytes = usage is { Exclusive: { } exclusive } ? bytes + exclusive.Bytes : -1;
            bytesAt = usage is not null && usage.MeasuredAt < bytesAt ? usage.MeasuredAt : bytesAt;
        }
        var known = Find(before, volume);
        var (device, begin) = DeviceOf(devices?.GetValueOrDefault(volume.Id), known);
        return new VolumeSample
        {
            Volume = volume,
            // They never change, and are the larger part of a sample.
            Labels = known?.Labels ?? LabelsOf(pool.Name, volume),
            Usage = Unless(() => pool.Pool.GetUsage(volume), null),
            Figures = Unless(() => pool.Pool.GetFigures(volume), default),
            OwnSpace = volume.FileSystem is not null && devices?.ContainsKey(volume.Id) == true ? Unless(() => SpaceOf(volume), null) : null,
            Device = device,
            DeviceName = begin is null ? null : devices?.GetValueOrDefault(volume.Id),
            DeviceBegin = begin,
            SnapshotBytes = bytes,
            SnapshotBytesAt = bytesAt,
            Snapshots = count,
            OldestSnapshot = oldest,
            NewestSnapshot = newest,
        };
    }

    private VolumeSpace? SpaceOf(Volume volume) => attachments.FileSystemOf(volume.Id) is { } own ? VolumeSpace.Of(own) : null;

    // A loop device goes on counting from what it did for other files, which is none of this volume's.
    private static (BlockStatistics? Device, BlockStatistics? Begin) DeviceOf(string? name, VolumeSample? before)
    {
        if (name is null || BlockStatistics.Find(name) is not { } now)
            return (null, null);
        return before is { DeviceName: { } last, DeviceBegin: { } begin } && last == name && now.Since(begin) is { } done ? (done, begin) : (now.Since(now), now);
    }

    // Both lists are in the order of keys.
    private static VolumeSample? Find(PoolSample? before, Volume volume)
    {
        var (low, high) = (0, (before?.Volumes.Length ?? 0) - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = before!.Volumes[middle].Volume.Id.CompareTo(volume.Id);
            if (order == 0)
                return before.Volumes[middle];
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return null;
    }

    private static byte[] LabelsOf(PoolName pool, Volume volume) => ExpositionWriter.LabelsOf(
        VolumeFamilies.All[0].Family.Labels,
        pool.ToString(),
        volume.Id.Key.ToString(),
        volume.Labels.GetValueOrDefault(ClassParameters.KubernetesPrefix + "pvc/name", ""),
        volume.Labels.GetValueOrDefault(ClassParameters.KubernetesPrefix + "pvc/namespace", ""),
        volume.Door.ToString().ToLowerInvariant());

    // A sick disk says nothing of one volume or of all, and nothing is what is told then.
    private static T Unless<T>(Func<T> ask, T unknown)
    {
        try
        {
            return ask();
        }
        catch (StorageException)
        {
            return unknown;
        }
    }
}
