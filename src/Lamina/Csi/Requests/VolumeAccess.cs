using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>One way to use a volume: as what, by whom, and with which flags.</summary>
internal sealed class VolumeAccess
{
    private VolumeAccess(VolumeKind kind, Mode mode) => (Kind, Mode) = (kind, mode);

    /// <summary>Directory tree or raw device.</summary>
    internal VolumeKind Kind { get; }

    /// <summary>The filesystem; null: the pool's own.</summary>
    internal string? FileSystem { get; private init; }

    /// <summary>What its mount is to be like.</summary>
    internal MountFlags Flags { get; private init; } = MountFlags.None;

    /// <summary>Why the mount flags can't be had; null when they can.</summary>
    internal string? FlagObstacle { get; private init; }

    /// <summary>The group that is to have access to the files; null: they stay as they are.</summary>
    internal uint? Group { get; private init; }

    /// <summary>Whether the volume can only be read.</summary>
    internal bool IsReadOnly => Mode is Mode.SingleNodeReaderOnly or Mode.MultiNodeReaderOnly || Flags.IsReadOnly;

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
            Wire.VolumeCapability.AccessTypeOneofCase.Block => new VolumeAccess(VolumeKind.Block, mode),
            Wire.VolumeCapability.AccessTypeOneofCase.Mount => ParseMount(capability.Mount, mode),
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

    /// <summary>What a repeated call must say again. Secrets and the group are no part of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: the volume can't be used like this.</exception>
    internal string ArgumentsFor(Volume volume, PoolDescription pool)
    {
        if (ObstacleIn(volume, pool) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
        // Which filesystem it is, whether said or left out, was judged just now: it is the volume's own.
        string[] parts = [Kind.ToString(), Mode.ToString(), Flags.ToString()];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }

    private static VolumeAccess ParseMount(Wire.VolumeCapability.Types.MountVolume mount, Mode mode)
    {
        MountFlags.TryParse(mount.MountFlags, out var flags, out var obstacle);
        return new VolumeAccess(VolumeKind.Filesystem, mode)
        {
            FileSystem = mount.FsType is { Length: > 0 } type ? type : null,
            Flags = flags,
            FlagObstacle = obstacle,
            Group = mount.VolumeMountGroup is { Length: > 0 } group ? ParseGroup(group) : null,
        };
    }

    private static uint ParseGroup(string text) =>
        VolumeParameters.TryParseOwner(text, out var group)
            ? group
            : throw new StorageException(StorageError.InvalidArgument, $"volume_mount_group is '{text}'; allowed is a number from 0 to 4294967294");
}
