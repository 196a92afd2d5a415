namespace Lamina.Cluster;

/// <summary>An object of the cluster that something is told about.</summary>
/// <param name="ApiVersion">Such as <c>v1</c>.</param>
/// <param name="Kind">Such as <c>PersistentVolumeClaim</c>.</param>
/// <param name="Namespace">Its namespace; null for what has none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid, without which <c>kubectl describe</c> shows no event of it; null: to be asked for.</param>
internal sealed record ClusterObject(string ApiVersion, string Kind, string? Namespace, string Name, string? Uid)
{
    /// <summary>The API group of <c>VolumeSnapshot</c>.</summary>
    internal const string SnapshotGroup = "snapshot.storage.k8s.io";

    /// <summary>Its version.</summary>
    internal const string SnapshotVersion = "v1";

    internal static ClusterObject Claim(string @namespace, string name, string? uid) => new("v1", "PersistentVolumeClaim", @namespace, name, uid);

    internal static ClusterObject Pod(string @namespace, string name, string? uid) => new("v1", "Pod", @namespace, name, uid);

    internal static ClusterObject VolumeSnapshot(string @namespace, string name) => new($"{SnapshotGroup}/{SnapshotVersion}", "VolumeSnapshot", @namespace, name, null);

    internal static ClusterObject PersistentVolume(string name, string uid) => new("v1", "PersistentVolume", null, name, uid);

    /// <summary>A node. The kubelet, too, takes the name for its uid in events, and <c>kubectl describe node</c> looks for those.</summary>
    internal static ClusterObject Node(string name) => new("v1", "Node", null, name, name);

    /// <summary>Such as <c>PersistentVolumeClaim shop/data</c>.</summary>
    public override string ToString() => Namespace is null ? $"{Kind} {Name}" : $"{Kind} {Namespace}/{Name}";
}
