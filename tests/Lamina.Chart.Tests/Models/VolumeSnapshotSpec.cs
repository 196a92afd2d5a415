namespace Lamina.Chart.Tests.Models;

/// <summary>Of the snapshot API, <c>snapshot.storage.k8s.io/v1</c>.</summary>
internal sealed class VolumeSnapshotSpec
{
    public string? VolumeSnapshotClassName { get; set; }

    public required SnapshotSource Source { get; set; }

    internal sealed class SnapshotSource
    {
        public string? PersistentVolumeClaimName { get; set; }

        public string? VolumeSnapshotContentName { get; set; }
    }
}
