using System.Collections.Immutable;

namespace Lamina.Storage.Pools;

/// <summary>Who a loaded pool is and what it can do.</summary>
/// <param name="Name">Its name in this host's configuration.</param>
/// <param name="Id">Its identity, which travels with its disk.</param>
/// <param name="Backend"><c>overlay2</c>, <c>btrfs</c>, <c>zfs</c> or <c>bind</c>.</param>
/// <param name="Path">Where it lies, for people.</param>
/// <param name="Features">What it can do.</param>
public sealed record PoolDescription(PoolName Name, PoolId Id, string Backend, string Path, PoolFeatures Features)
{
    /// <summary>The filesystem beneath, such as <c>ext4</c>.</summary>
    public string FileSystem { get; init; } = "";

    /// <summary>The filesystems that a volume can have for itself, whose tools are on this host.</summary>
    public ImmutableArray<VolumeFileSystem> FileSystems { get; init; } = [];

    /// <summary>The values that <see cref="VolumeParameters.Compression"/> can have.</summary>
    public ImmutableArray<string> Compressions { get; init; } = [];

    /// <summary>The keys of <see cref="VolumeAttributes"/> that its volumes have.</summary>
    public ImmutableHashSet<string> MutableAttributes { get; init; } = [];

    /// <summary>Those that its raw devices and volumes with a filesystem of their own have.</summary>
    public ImmutableHashSet<string> MutableDeviceAttributes { get; init; } = [];

    /// <summary>
    /// What the size of a raw device, or of a volume with a filesystem of its own, is a multiple of: the first that lies within the limits of the request.
    /// </summary>
    public ImmutableArray<long> DeviceSizeUnits { get; init; } = [4096, 512];

    /// <summary>Whether its raw devices and volumes with a filesystem of their own are zvols, with the properties of such.</summary>
    public bool HasZvols => Features.HasFlag(PoolFeatures.BlockVolumes | PoolFeatures.DatasetProperties);

    /// <summary>What a person should know: limits that are advisory, records that can't be read.</summary>
    public ImmutableList<string> Warnings { get; init; } = [];

    /// <summary>Whether volumes can have that filesystem; null is the pool's own, which also goes by the backend's name.</summary>
    public bool Offers(string? fileSystem) => ObstacleTo(fileSystem) is null;

    /// <summary>Why no volume can have that compression; null when one can, or there is no compression at all.</summary>
    public string? ObstacleToCompression(string? compression) => compression is null || Compressions.IsEmpty || Compressions.Contains(compression)
        ? null
        : $"the compression '{compression}' is not possible in pool '{Name}'; possible are {string.Join(", ", Compressions)}";

    /// <summary>Why no volume can have that filesystem, and what helps; null when one can.</summary>
    public string? ObstacleTo(string? fileSystem)
    {
        if (IsOwn(fileSystem))
            return null;
        if (!Features.HasFlag(PoolFeatures.BlockVolumes) || !VolumeFileSystemNames.TryParse(fileSystem, out var known))
        {
            if (LacksDevices && VolumeFileSystemNames.TryParse(fileSystem, out _))
                return $"the filesystem '{fileSystem}' is not possible in pool '{Name}': it would lie on a block device, and {FileSystem} has none; a zfs pool on OpenZFS has";
            var others = string.Concat(FileSystems.Select(other => $", or {other.Name()} for a filesystem of its own"));
            return $"the filesystem '{fileSystem}' is not possible in pool '{Name}'; leave it empty, or say {Backend}{others}";
        }
        return FileSystems.Contains(known.Value) ? null
            : $"the filesystem '{fileSystem}' can't be made on this host: {Images.ImageTools.MakerOf(known.Value)} is not installed; apt-get install {Images.ImageTools.PackageOf(known.Value)}, then restart the daemon";
    }

    /// <summary>The filesystem of its own that a volume would get by that name; null: none.</summary>
    public VolumeFileSystem? FileSystemNamed(string? name) =>
        !IsOwn(name) && VolumeFileSystemNames.TryParse(name, out var fileSystem) ? fileSystem : null;

    /// <summary>What a filesystem of a volume goes by; null is the pool's own.</summary>
    public string NameOf(VolumeFileSystem? fileSystem) => fileSystem?.Name() ?? Backend;

    /// <summary>Why there are no raw devices, and what helps; null when there are.</summary>
    internal string? ObstacleToDevices => Features.HasFlag(PoolFeatures.BlockVolumes) ? null
        : LacksDevices ? $"pool '{Name}' has no raw block volumes, as {FileSystem} has no block devices; a zfs pool on OpenZFS has"
        : $"pool '{Name}' has no raw block volumes; ask for a mounted volume";

    // Another version of the same would have them.
    private bool LacksDevices => Features.HasFlag(PoolFeatures.DatasetProperties) && !Features.HasFlag(PoolFeatures.BlockVolumes);

    private bool IsOwn(string? name) => name is null || name == Backend;
}
