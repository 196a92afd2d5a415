using Lamina.Storage;
using Lamina.Storage.Pools;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>One way to use a volume: as what, by whom, and with which flags.</summary>
internal sealed class VolumeAccess
{
    private const string ReadOnlyFlag = "ro";
    private readonly string[] _flags;

    private VolumeAccess(VolumeKind kind, Mode mode, string? fileSystem, string[] flags, bool asksForGroup)
    {
        Kind = kind;
        Mode = mode;
        FileSystem = fileSystem;
        _flags = flags;
        AsksForGroup = asksForGroup;
    }

    /// <summary>Directory tree or raw device.</summary>
    internal VolumeKind Kind { get; }

    /// <summary>The filesystem; null: the pool's own.</summary>
    internal string? FileSystem { get; }

    /// <summary>Whether a group is to get access to the files, which only plugins that say so can give.</summary>
    internal bool AsksForGroup { get; }

    /// <summary>Whether the volume can only be read.</summary>
    internal bool IsReadOnly => Mode is Mode.SingleNodeReaderOnly or Mode.MultiNodeReaderOnly || _flags.Contains(ReadOnlyFlag);

    /// <summary>Whether a node can have it at one target only. SINGLE_NODE_WRITER leaves that open; whoever means many says so.</summary>
    internal bool IsExclusive => Mode is Mode.SingleNodeWriter or Mode.SingleNodeReaderOnly or Mode.SingleNodeSingleWriter;

    private Mode Mode { get; }

    /// <summary>Reads one capability.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: a part is missing. What a volume can't do is said by <see cref="ObstacleIn"/>.</exception>
    internal static VolumeAccess Parse(Wire.VolumeCapability? capability)
    {
        Required.Message(capability, "volume_capability");
        var mode = Required.Message(capability!.AccessMode, "access_mode").Mode;
        if (mode is Mode.Unknown || !Enum.IsDefined(mode))
            throw new StorageException(StorageError.InvalidArgument, $"the access mode {mode} is none; allowed are the modes of CSI 1.12");
        return capability.AccessTypeCase switch
        {
            Wire.VolumeCapability.AccessTypeOneofCase.Block => new VolumeAccess(VolumeKind.Block, mode, null, [], false),
            Wire.VolumeCapability.AccessTypeOneofCase.Mount => new VolumeAccess(
                VolumeKind.Filesystem,
                mode,
                capability.Mount.FsType is { Length: > 0 } type ? type : null,
                [.. capability.Mount.MountFlags.SelectMany(flag => flag.Split(',')).Order(StringComparer.Ordinal)],
                capability.Mount.VolumeMountGroup.Length > 0),
            _ => throw Required.Missing("access_type"),
        };
    }

    /// <summary>Reads the capabilities of a request, of which there must be one at least.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    internal static IReadOnlyList<VolumeAccess> ParseAll(IReadOnlyCollection<Wire.VolumeCapability> capabilities) =>
        capabilities.Count > 0 ? [.. capabilities.Select(Parse)] : throw Required.Missing("volume_capabilities");

    /// <summary>Why a volume can't be used like this; null when it can.</summary>
    internal string? ObstacleIn(Volume volume, PoolDescription pool) =>
        Kind != volume.Kind
            ? $"volume {volume.Id} is a {volume.Kind} volume and can't be used as {Kind}"
        : FileSystem is not null && FileSystem != pool.NameOf(volume.FileSystem)
            ? $"volume {volume.Id} has the filesystem {pool.NameOf(volume.FileSystem)}, not '{FileSystem}'; leave it empty, or say {pool.NameOf(volume.FileSystem)}"
        : FlagObstacle;

    /// <summary>Why the mount flags can't be had; null when they can.</summary>
    internal string? FlagObstacle => Array.Find(_flags, flag => flag != ReadOnlyFlag) is { } refused
        ? $"the mount flag '{refused}' is not allowed; allowed is {ReadOnlyFlag}"
        : null;

    /// <summary>What a repeated call must say again. Secrets and the group are no part of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: the volume can't be used like this.</exception>
    internal string ArgumentsFor(Volume volume, PoolDescription pool)
    {
        if (ObstacleIn(volume, pool) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
        // Which filesystem it is, whether said or left out, was judged just now: it is the volume's own.
        string[] parts = [Kind.ToString(), Mode.ToString(), .. _flags.Distinct()];
        return string.Join(' ', parts);
    }
}
