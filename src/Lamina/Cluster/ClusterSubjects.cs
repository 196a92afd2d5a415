using Lamina.Csi.Requests;
using Lamina.Hosting;
using Lamina.Storage;

namespace Lamina.Cluster;

/// <summary>Finds the object where a person would look.</summary>
internal sealed class ClusterSubjects(PersistentVolumeIndex index, LaminaOptions options)
{
    private const string ClaimKey = ClassParameters.KubernetesPrefix + "pvc/";
    private const string PodKey = ClassParameters.KubernetesPrefix + "pod.";
    private const string SnapshotKey = ClassParameters.KubernetesPrefix + "volumesnapshot/";

    private const int MaxName = 253;

    /// <summary>This node.</summary>
    internal ClusterObject Node { get; } = ClusterObject.Node(options.NodeName);

    /// <summary>The claim of a volume, or the pod of an inline one; null when neither is known, or it has none.</summary>
    internal ClusterObject? Of(Volume volume) => volume.Ephemeral is not null
        ? PodOf(volume.Labels)
        // The claim that it was made for may be another one's by now, even under the same name: what it is bound to is asked where it can be.
        : index.View is { } view && view.Pools.Contains(volume.Id.Pool) ? view.Naming(volume.Id)?.Claim : ClaimOf(volume.Labels);

    /// <summary>The claim that a volume is made for, by the labels of the provisioner; null when there are none.</summary>
    internal static ClusterObject? ClaimOf(IReadOnlyDictionary<string, string> labels) =>
        Named(labels, ClaimKey + "namespace", ClaimKey + "name") is var (@namespace, name) ? ClusterObject.Claim(@namespace, name, null) : null;

    /// <summary>The VolumeSnapshot that a snapshot is made for, by the labels of the snapshotter; null when there are none.</summary>
    internal static ClusterObject? SnapshotOf(IReadOnlyDictionary<string, string> labels) =>
        Named(labels, SnapshotKey + "namespace", SnapshotKey + "name") is var (@namespace, name) ? ClusterObject.VolumeSnapshot(@namespace, name) : null;

    private static ClusterObject? PodOf(IReadOnlyDictionary<string, string> labels) =>
        Named(labels, PodKey + "namespace", PodKey + "name") is var (@namespace, name) && labels.GetValueOrDefault(PodKey + "uid") is { Length: > 0 } uid ? ClusterObject.Pod(@namespace, name, uid) : null;

    private static (string Namespace, string Name)? Named(IReadOnlyDictionary<string, string> labels, string namespaceKey, string nameKey) =>
        labels.GetValueOrDefault(namespaceKey) is { } @namespace && IsName(@namespace) && labels.GetValueOrDefault(nameKey) is { } name && IsName(name) ? (@namespace, name) : null;

    // They become part of a request's path.
    private static bool IsName(string text) =>
        text.Length is > 0 and <= MaxName && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.') && text[0] != '.';
}
