using System.Collections.Immutable;
using Lamina.Storage;
using Lamina.Storage.Ephemeral;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>
/// Reads the publication of an inline volume. Any pod's author writes its attributes, so only those are allowed that can harm nobody else: no
/// host directory, no owner, no source.
/// </summary>
internal static class EphemeralParser
{
    private const string EphemeralKey = ClassParameters.KubernetesPrefix + "ephemeral";
    private const string SizeKey = "size";
    private const string FileSystemKey = "fsType";

    // What says whose volume it is. Everything else of Kubernetes is left out: service account tokens come by the same way.
    private static readonly string[] LabelKeys =
        [ClassParameters.KubernetesPrefix + "pod.name", ClassParameters.KubernetesPrefix + "pod.namespace", ClassParameters.KubernetesPrefix + "pod.uid", ClassParameters.KubernetesPrefix + "serviceAccount.name"];

    /// <summary>Whether the kubelet asks for an inline volume.</summary>
    internal static bool IsEphemeral(Wire.NodePublishVolumeRequest request) => request.VolumeContext.TryGetValue(EphemeralKey, out var value) && value == "true";

    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>, naming the attribute or field.</exception>
    internal static (EphemeralUse Use, VolumeRequest Volume) Parse(Wire.NodePublishVolumeRequest request, VolumeAccess access)
    {
        var id = IStorageValue<EphemeralId>.Parse(request.VolumeId);
        var use = EphemeralUse.At(id, IStorageValue<MountTarget>.Parse(request.TargetPath));
        if (request.StagingTargetPath.Length > 0)
            throw new StorageException(StorageError.InvalidArgument, "staging_target_path must be empty: an inline volume is never staged");
        if (access.Kind == VolumeKind.Block)
            throw new StorageException(StorageError.InvalidArgument, "an inline volume is a directory; Kubernetes has no raw block ones");
        if (access.FlagObstacle is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);

        var attributes = request.VolumeContext.Where(pair => !pair.Key.StartsWith(ClassParameters.KubernetesPrefix, StringComparison.Ordinal)).ToDictionary();
        if (attributes.Keys.FirstOrDefault(key => key is not (SizeKey or FileSystemKey or VolumeAttributes.CompressionKey or VolumeParameters.PoolKey)) is { } unknown)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the attribute '{unknown}' is not allowed for an inline volume; allowed are {SizeKey}, {VolumeParameters.PoolKey}, {FileSystemKey} and {VolumeAttributes.CompressionKey}");
        }
        return (use, new VolumeRequest
        {
            Name = id.VolumeName,
            Door = Door.Csi,
            Pool = attributes.TryGetValue(VolumeParameters.PoolKey, out var pool) ? IStorageValue<PoolName>.Parse(pool) : null,
            Size = attributes.TryGetValue(SizeKey, out var size) ? SizeRange.AtLeast(ParseSize(size)) : SizeRange.Any,
            FileSystem = FileSystemOf(attributes.GetValueOrDefault(FileSystemKey), access.FileSystem),
            Parameters = VolumeParameters.Parse(attributes.Where(pair => pair.Key == VolumeAttributes.CompressionKey)),
            Labels = request.VolumeContext.Where(pair => LabelKeys.Contains(pair.Key)).ToImmutableSortedDictionary(StringComparer.Ordinal),
        });
    }

    private static ByteSize ParseSize(string text) => ByteSize.Parse(text) is { Bytes: > 0 } size
        ? size
        : throw new StorageException(StorageError.InvalidArgument, $"the attribute '{SizeKey}' is '{text}'; an inline volume of no size is of no use");

    // A pod can say it in two places: as a field of the volume, and as an attribute.
    private static string? FileSystemOf(string? attribute, string? field)
    {
        var asked = attribute is { Length: > 0 } ? attribute : null;
        if (asked is not null && field is not null && asked != field)
            throw new StorageException(StorageError.InvalidArgument, $"the filesystem is asked for twice: by the field fsType as '{field}' and by the attribute as '{asked}'");
        return asked ?? field;
    }
}
