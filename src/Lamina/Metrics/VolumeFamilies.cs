namespace Lamina.Metrics;

/// <summary>The state of volumes. What is not known is absent, never 0 and never the disk's.</summary>
internal static class VolumeFamilies
{
    private static readonly string[] s_labels = ["pool", "volume", "pvc", "pvc_namespace", "door"];

    /// <summary>For the volume as it was looked at last, whether it is attached, and by how many it is held.</summary>
    internal static readonly (Family Family, Func<VolumeSample, (bool Attached, int Holders), double?> Value)[] All =
    [
        (Of("lamina_volume_limit_bytes", "The volume's size; absent where there is no limit but the pool's own."), (volume, _) => volume.Volume.Size?.Bytes),
        (Of("lamina_volume_used_bytes", "What the volume's files take, those it shares with snapshots included."), (volume, _) => volume.Usage?.Used.Bytes),
        (Of("lamina_volume_usage_timestamp_seconds", "When that was so."), (volume, _) => volume.Usage is { } usage ? Seconds(usage.MeasuredAt) : null),
        (Of("lamina_volume_inodes_used", "The volume's files and directories."), (volume, _) => volume.Usage?.Inodes),
        (Of("lamina_volume_headroom_bytes", "What the kernel lets the volume still write; absent where it sets no limit."), (volume, _) => volume.Figures.Headroom?.Bytes),
        (Of("lamina_volume_referenced_bytes", "What the backend itself counts for the volume: what ZFS calls referenced; what Btrfs' quota has charged, which is also what only snapshots still hold of it; an overlay's layers together."),
            (volume, _) => volume.Figures.Referenced?.Bytes),
        (Of("lamina_volume_exclusive_bytes", "What nobody else holds: so much would be free without the volume, were its snapshots kept. Absent where the backend does not know it."),
            (volume, _) => volume.Figures.Exclusive?.Bytes),
        (Of("lamina_volume_held_by_snapshots_bytes", "ZFS: what only the volume's snapshots still hold, all of them together."), (volume, _) => volume.Usage?.Snapshots?.Bytes),
        (Of("lamina_volume_written_since_snapshot_bytes", "ZFS: what was written since the last snapshot."), (volume, _) => volume.Usage?.Written?.Bytes),
        (Of("lamina_volume_uncompressed_bytes", "ZFS: what the volume and its snapshots would take without compression."), (volume, _) => volume.Usage?.Uncompressed?.Bytes),
        (Of("lamina_volume_layers", "Overlay: on how many layers the volume lies, its own included."), (volume, _) => volume.Figures.Layers),
        (Of("lamina_volume_attached", "Whether the volume is mounted, or its device is there (1), or not (0)."), (_, use) => use.Attached ? 1 : 0),
        (Of("lamina_volume_holders", "How many hold the volume: staging paths, publications, containers, people."), (_, use) => use.Holders),
        (Of("lamina_volume_snapshots", "How many snapshots the volume has."), (volume, _) => volume.Snapshots),
        (Of("lamina_volume_snapshot_exclusive_bytes", "What only a single snapshot of the volume holds, summed over its snapshots: at least so much would be free without them. Absent where the backend does not know it."),
            (volume, _) => volume.SnapshotBytes < 0 ? null : volume.SnapshotBytes),
        (Of("lamina_volume_snapshot_exclusive_timestamp_seconds", "When the oldest part of that sum was so."),
            (volume, _) => volume.SnapshotBytes < 0 || volume.Snapshots == 0 ? null : Seconds(volume.SnapshotBytesAt)),
        (Of("lamina_volume_newest_snapshot_timestamp_seconds", "When the volume's last snapshot was cut; absent without one."), (volume, _) => volume.Snapshots > 0 ? Seconds(volume.NewestSnapshot) : null),
        (Of("lamina_volume_oldest_snapshot_timestamp_seconds", "When the oldest of its snapshots was cut; absent without one."), (volume, _) => volume.Snapshots > 0 ? Seconds(volume.OldestSnapshot) : null),
        (Counter("lamina_volume_device_reads_total", "Reads of the volume's device since it was first seen attached; as the four that follow, of attached volumes with a device of their own."), (volume, _) => volume.Device?.Reads),
        (Counter("lamina_volume_device_read_bytes_total", "What they read."), (volume, _) => volume.Device?.ReadBytes),
        (Counter("lamina_volume_device_writes_total", "Writes to it."), (volume, _) => volume.Device?.Writes),
        (Counter("lamina_volume_device_written_bytes_total", "What they wrote."), (volume, _) => volume.Device?.WrittenBytes),
        (Counter("lamina_volume_device_busy_seconds_total", "How long it had anything to do."), (volume, _) => volume.Device?.Busy.TotalSeconds),
    ];

    private static double Seconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;

    private static Family Of(string name, string help) => new(name, "gauge", help, s_labels);

    private static Family Counter(string name, string help) => new(name, "counter", help, s_labels);
}
