using Lamina.Storage.Pools;

namespace Lamina.Metrics;

/// <summary>The state of pools. What is not known is absent.</summary>
internal static class PoolFamilies
{
    internal static readonly Family Info = new("lamina_pool_info", "gauge", "Who the pool is; always 1.", "pool", "pool_id", "backend", "filesystem");

    internal static readonly Family DeviceErrors = new("lamina_pool_device_errors_total", "counter",
        "Failures of a device by the filesystem's own counters, by kind: write, read, flush, corruption, generation.", "pool", "device", "kind");

    internal static readonly Family ZfsState = new("lamina_pool_zfs_state", "gauge", "What the ZFS pool says of itself, such as ONLINE or DEGRADED; always 1.", "pool", "state");

    /// <summary>Those with the pool's name for their only label.</summary>
    internal static readonly (Family Family, Func<PoolView, double?> Value)[] All =
    [
        (Of("lamina_pool_loaded", "Whether the pool is served (1) or not (0)."), view => view.Pool is null ? 0 : 1),
        (Of("lamina_pool_sampled_timestamp_seconds", "When the pool's disk was looked at last. A disk that hangs lets this stand still, and the figures from the disk go after three intervals."),
            view => view.LastLook?.At.ToUnixTimeMilliseconds() / 1000.0),
        (Of("lamina_pool_hard_limits", "Whether the kernel enforces the sizes of volumes (1) or they are advisory (0)."),
            view => view.Pool is { } pool ? pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits) ? 1 : 0 : null),
        (Of("lamina_pool_size_bytes", "Size of what the pool lies on."), view => view.Sample?.Capacity?.Total.Bytes),
        (Of("lamina_pool_available_bytes", "What can still be written in the pool."), view => view.Sample?.Capacity?.Available.Bytes),
        (Of("lamina_pool_promised_bytes", "Sum of the sizes of the pool's volumes."), view => view.Promised),
        (Of("lamina_pool_overcommit_ratio", "What is promised, as a multiple of the pool's size."),
            view => view.Sample?.Capacity is { Total.Bytes: > 0 } capacity ? view.Promised / capacity.Total.Bytes : null),
        (Of("lamina_pool_overcommit_limit_ratio", "How much may be promised, as a multiple of the pool's size; absent where any amount may."), view => view.Status.Settings.Overcommit),
        (Of("lamina_pool_min_free_bytes", "Creates are refused while less than this is available."), view => view.Status.Settings.MinFree.Bytes),
        (Of("lamina_pool_inodes", "How many files there can be; absent where they are made as needed."), view => view.Sample?.Figures.Inodes),
        (Of("lamina_pool_inodes_free", "How many more files there can be; absent where they are made as needed."), view => view.Sample?.Figures.FreeInodes),
        (Of("lamina_pool_unreadable_records", "Objects of the pool whose record can't be read."), view => view.Pool?.Unreadable.Count),
        (Of("lamina_pool_problems", "What is wrong with what the pool lies on, such as missing disks, failed reads, a read-only filesystem."), view => view.Sample?.Problems.Count),
        (Of("lamina_pool_trash_entries", "Deleted objects that still take their space."), view => view.Sample?.Figures.TrashEntries),
        (Of("lamina_pool_trash_bytes", "What they take, what they share with others included. Absent where not all of them are known without a walk."), view => view.Sample?.Figures.TrashBytes?.Bytes),
        (Counter("lamina_pool_disk_reads_total", "Reads of the disk that the pool lies on, whoever asked for them; as the four that follow, absent where it has none of its own."),
            view => view.Sample?.Figures.Disk?.Reads),
        (Counter("lamina_pool_disk_read_bytes_total", "What they read."), view => view.Sample?.Figures.Disk?.ReadBytes),
        (Counter("lamina_pool_disk_writes_total", "Writes to it."), view => view.Sample?.Figures.Disk?.Writes),
        (Counter("lamina_pool_disk_written_bytes_total", "What they wrote."), view => view.Sample?.Figures.Disk?.WrittenBytes),
        (Counter("lamina_pool_disk_busy_seconds_total", "How long it had anything to do."), view => view.Sample?.Figures.Disk?.Busy.TotalSeconds),
        (Of("lamina_pool_loop_devices", "Loop devices over images of the pool."), view => view.Sample?.LoopDevices),
        (Of("lamina_pool_layers", "Overlay: layers of volumes and snapshots."), view => view.Sample?.Figures.Layers),
        (Of("lamina_pool_deepest_chain_layers", "Overlay: the layers that the deepest volume lies on, its own included."), view => view.Sample?.Figures.DeepestChain),
        (Counter("lamina_pool_layer_merges_total", "Overlay: how often the layers of a deep volume were merged."), view => view.Sample?.Figures.Merges),
        (Of("lamina_pool_btrfs_unallocated_bytes", "Btrfs: not allocated to data or metadata yet, raw: a mirrored block takes twice its size."), view => view.Sample?.Figures.Unallocated?.Bytes),
        (Of("lamina_pool_btrfs_metadata_size_bytes", "Btrfs: allocated to metadata."), view => view.Sample?.Figures.MetadataSize?.Bytes),
        (Of("lamina_pool_btrfs_metadata_used_bytes", "Btrfs: used of what is allocated to metadata; with none left and nothing unallocated, writes fail whatever is free."),
            view => view.Sample?.Figures.MetadataUsed?.Bytes),
        (Of("lamina_pool_zfs_fragmentation_ratio", "ZFS: how much of the free space is in small pieces, 0 to 1; absent with zfs-fuse."), view => view.Health?.Fragmentation / 100.0),
        (Of("lamina_pool_zfs_device_errors", "ZFS: reads, writes and checksums that have failed on the disks of the ZFS pool since it was cleared."), view => view.Health?.DeviceErrors),
        (Of("lamina_pool_zfs_sampled_timestamp_seconds", "ZFS: when these two, the state, the trash and the usage of its volumes were read behind the scenes."), view => view.Health?.At?.ToUnixTimeMilliseconds() / 1000.0),
    ];

    private static Family Of(string name, string help) => new(name, "gauge", help, "pool");

    private static Family Counter(string name, string help) => new(name, "counter", help, "pool");
}
