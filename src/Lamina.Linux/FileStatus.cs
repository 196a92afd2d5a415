namespace Lamina.Linux;

/// <summary>What the kernel knows of a file. See statx(2).</summary>
public readonly record struct FileStatus
{
    /// <summary>The inode number, unique with <see cref="Device"/>.</summary>
    public required ulong Inode { get; init; }

    /// <summary>The filesystem it is on; on Btrfs each subvolume has its own. See <see cref="DeviceNumber"/>.</summary>
    public required ulong Device { get; init; }

    /// <summary>The mount through which it was reached: never used again since 6.8, an index that is used again before.</summary>
    public required ulong MountId { get; init; }

    /// <summary>Whether <see cref="MountId"/> is the kind that statmount(2) takes and that is never used again.</summary>
    public required bool MountIdIsUnique { get; init; }

    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>Permission bits with set-user-id, set-group-id and sticky: 0 to 07777.</summary>
    public required uint Mode { get; init; }

    /// <summary>The owner.</summary>
    public required uint Uid { get; init; }

    /// <summary>The group.</summary>
    public required uint Gid { get; init; }

    /// <summary>How many names it has.</summary>
    public required uint Links { get; init; }

    /// <summary>Its length in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The space it takes, in units of 512 bytes whatever the filesystem's block size is.</summary>
    public required long Blocks { get; init; }

    /// <summary>For a device: which one; else 0.</summary>
    public required ulong RepresentedDevice { get; init; }

    /// <summary>Last read.</summary>
    public required Timestamp Accessed { get; init; }

    /// <summary>Last write of the content.</summary>
    public required Timestamp Modified { get; init; }

    /// <summary>Last change of content or attributes.</summary>
    public required Timestamp Changed { get; init; }

    /// <summary>Birth; zero where the filesystem doesn't keep it.</summary>
    public required Timestamp Created { get; init; }

    /// <summary>Whether something is mounted exactly here (5.8+). A detached mount is a root too.</summary>
    public required bool IsMountRoot { get; init; }

    /// <summary>STATX_ATTR_* bits that are set.</summary>
    public required ulong Attributes { get; init; }

    /// <summary>Whether both are the same file.</summary>
    public bool IsSameFile(FileStatus other) => Inode == other.Inode && Device == other.Device;
}
