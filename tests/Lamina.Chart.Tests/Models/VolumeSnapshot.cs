using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>Of the snapshot API, <c>snapshot.storage.k8s.io/v1</c>: what a user writes of it.</summary>
internal sealed class VolumeSnapshot
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required SnapshotSpec Spec { get; set; }

    internal sealed class SnapshotSpec
    {
        public string? VolumeSnapshotClassName { get; set; }

        public required SnapshotSource Source { get; set; }
    }

    internal sealed class SnapshotSource
    {
        public string? PersistentVolumeClaimName { get; set; }

        public string? VolumeSnapshotContentName { get; set; }
    }
}
