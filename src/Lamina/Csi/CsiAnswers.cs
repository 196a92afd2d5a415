using Google.Protobuf.WellKnownTypes;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>The domain's objects as CSI describes them.</summary>
internal static class CsiAnswers
{
    /// <summary>A volume. Without a limit its capacity is not known, which CSI writes as 0.</summary>
    internal static Wire.Volume Of(Volume volume, CsiPlugin plugin) => new()
    {
        VolumeId = volume.Id.ToString(),
        CapacityBytes = volume.Size?.Bytes ?? 0,
        ContentSource = volume.Source is { } source ? Of(source) : null,
        AccessibleTopology = { plugin.Place },
    };

    /// <summary>A snapshot. One of a volume without a limit fits any size, but a size of 0 would break restores: it says the least that there is.</summary>
    internal static Wire.Snapshot Of(Snapshot snapshot) => new()
    {
        SnapshotId = snapshot.Id.ToString(),
        SourceVolumeId = snapshot.SourceVolume.ToString(),
        SizeBytes = Math.Max(1, snapshot.Size?.Bytes ?? 0),
        CreationTime = Timestamp.FromDateTimeOffset(snapshot.CreatedAt),
        ReadyToUse = true,
        GroupSnapshotId = snapshot.Group?.Id.ToString() ?? "",
    };

    /// <summary>A group of snapshots.</summary>
    internal static Wire.VolumeGroupSnapshot Of(SnapshotGroup group) => new()
    {
        GroupSnapshotId = group.Id.ToString(),
        Snapshots = { group.Snapshots.Select(Of) },
        CreationTime = Timestamp.FromDateTimeOffset(group.CreatedAt),
        ReadyToUse = true,
    };

    private static Wire.VolumeContentSource Of(VolumeSource source) => source.Snapshot is { } snapshot
        ? new() { Snapshot = new() { SnapshotId = snapshot.ToString() } }
        : new() { Volume = new() { VolumeId = source.Volume!.Value.ToString() } };
}
