using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>Of the snapshot API, <c>groupsnapshot.storage.k8s.io/v1</c>.</summary>
internal sealed class VolumeGroupSnapshotSpec
{
    public required GroupSource Source { get; set; }

    public string? VolumeGroupSnapshotClassName { get; set; }

    internal sealed class GroupSource
    {
        public V1LabelSelector? Selector { get; set; }

        public string? VolumeGroupSnapshotContentName { get; set; }
    }
}
