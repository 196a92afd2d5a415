using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>A VolumeSnapshotClass or a VolumeGroupSnapshotClass of the snapshot API, which have the same fields.</summary>
internal sealed class SnapshotClass
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required string Driver { get; set; }

    public required string DeletionPolicy { get; set; }

    public Dictionary<string, string>? Parameters { get; set; }
}
