using Lamina.Storage;
using Lamina.Storage.Pools;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>The state of every pool, taken with O(1) kernel calls a pool when it is scraped.</summary>
internal sealed class PoolMetrics
{
    private readonly PoolSet _pools;
    private readonly Catalog _catalog;
    private readonly Gauge _loaded;
    private readonly Gauge _hardLimits;
    private readonly Gauge _size;
    private readonly Gauge _available;
    private readonly Gauge _promised;
    private readonly Gauge _unreadable;
    private readonly Gauge _problems;
    private readonly Gauge _fragmentation;
    private readonly Gauge _deviceErrors;
    private readonly Gauge _volumes;
    private readonly Gauge _snapshots;

    public PoolMetrics(CollectorRegistry registry, PoolSet pools, Catalog catalog)
    {
        _pools = pools;
        _catalog = catalog;
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        _loaded = metrics.CreateGauge("lamina_pool_loaded", "Whether the pool is served (1) or not (0).", "pool");
        _hardLimits = metrics.CreateGauge("lamina_pool_hard_limits", "Whether the kernel enforces the sizes of volumes (1) or they are advisory (0).", "pool");
        _size = metrics.CreateGauge("lamina_pool_size_bytes", "Size of what the pool lies on.", "pool");
        _available = metrics.CreateGauge("lamina_pool_available_bytes", "What can still be written in the pool.", "pool");
        _promised = metrics.CreateGauge("lamina_pool_promised_bytes", "Sum of the sizes of the pool's volumes.", "pool");
        _unreadable = metrics.CreateGauge("lamina_pool_unreadable_records", "Objects of the pool whose record can't be read.", "pool");
        _problems = metrics.CreateGauge("lamina_pool_problems", "What is wrong with what the pool lies on, such as missing disks, failed reads, a read-only filesystem.", "pool");
        _fragmentation = metrics.CreateGauge("lamina_pool_fragmentation_ratio", "How much of the free space is in small pieces, 0 to 1; where the pool's backend tells.", "pool");
        _deviceErrors = metrics.CreateGauge("lamina_pool_device_errors", "Reads, writes and checksums that have failed on the pool's disks; where its backend tells.", "pool");
        _volumes = metrics.CreateGauge("lamina_volumes", "Volumes in all loaded pools.");
        _snapshots = metrics.CreateGauge("lamina_snapshots", "Snapshots in all loaded pools.");
        registry.AddBeforeCollectCallback(Collect);
    }

    private void Collect()
    {
        _volumes.Set(_catalog.VolumeCount);
        _snapshots.Set(_catalog.SnapshotCount);
        foreach (var status in _pools.List())
        {
            var name = status.Settings.Name.ToString();
            _loaded.WithLabels(name).Set(status.Loaded is null ? 0 : 1);
            if (status.Loaded is not { } pool)
            {
                Forget(name);
                continue;
            }
            Measure(pool, name);
            _hardLimits.WithLabels(name).Set(pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits) ? 1 : 0);
            _promised.WithLabels(name).Set(_catalog.PromisedBy(pool.Id).Bytes);
            _unreadable.WithLabels(name).Set(pool.Unreadable.Count);
            _problems.WithLabels(name).Set(pool.Pool.FindProblems().Count);
            Set(_fragmentation, name, pool.Pool.Health.Fragmentation / 100.0);
            Set(_deviceErrors, name, pool.Pool.Health.DeviceErrors);
        }
    }

    // Unknown is absent: a sick pool has no figures, and the others keep theirs.
    private void Measure(LoadedPool pool, string name)
    {
        if (pool.TryGetCapacity(out var capacity, out _))
        {
            _size.WithLabels(name).Set(capacity.Total.Bytes);
            _available.WithLabels(name).Set(capacity.Available.Bytes);
        }
        else
        {
            Forget(name);
        }
    }

    private static void Set(Gauge gauge, string name, double? value)
    {
        if (value is { } known)
            gauge.WithLabels(name).Set(known);
        else
            gauge.RemoveLabelled(name);
    }

    private void Forget(string name)
    {
        _fragmentation.RemoveLabelled(name);
        _deviceErrors.RemoveLabelled(name);
        _size.RemoveLabelled(name);
        _available.RemoveLabelled(name);
    }
}
