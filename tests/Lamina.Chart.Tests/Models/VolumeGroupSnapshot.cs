using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>Of the snapshot API, <c>groupsnapshot.storage.k8s.io/v1beta1</c>: what a user writes of it.</summary>
internal sealed class VolumeGroupSnapshot
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required GroupSpec Spec { get; set; }

    internal sealed class GroupSpec
    {
        public string? VolumeGroupSnapshotClassName { get; set; }

        public required GroupSource Source { get; set; }
    }

    internal sealed class GroupSource
    {
        public V1LabelSelector? Selector { get; set; }

        public string? VolumeGroupSnapshotContentName { get; set; }
    }
}
