namespace Lamina.Linux;

/// <summary>Size and nature of a filesystem. See statfs(2).</summary>
public readonly record struct FileSystemStatus
{
    /// <summary>The filesystem's number.</summary>
    public required long Magic { get; init; }

    /// <summary>Which one that is.</summary>
    public FileSystemKind Kind => Magic switch
    {
        0xEF53 => FileSystemKind.Ext4,
        0x58465342 => FileSystemKind.Xfs,
        0x9123683E => FileSystemKind.Btrfs,
        0x794C7630 => FileSystemKind.Overlay,
        0x01021994 => FileSystemKind.Tmpfs,
        0x6969 => FileSystemKind.Nfs,
        0x4D44 => FileSystemKind.Vfat,
        0x65735546 => FileSystemKind.Fuse,
        0x2FC12FC1 => FileSystemKind.Zfs,
        _ => FileSystemKind.Other,
    };

    /// <summary>The block size, in bytes.</summary>
    public required long BlockSize { get; init; }

    /// <summary>Its size.</summary>
    public required ulong TotalBytes { get; init; }

    /// <summary>What is free, reserves included.</summary>
    public required ulong FreeBytes { get; init; }

    /// <summary>What is free to ordinary users.</summary>
    public required ulong AvailableBytes { get; init; }

    /// <summary>How many inodes there can be; 0 where they are made as needed (Btrfs).</summary>
    public required ulong TotalInodes { get; init; }

    /// <summary>How many of them are free.</summary>
    public required ulong FreeInodes { get; init; }

    /// <summary>Whether the mount or the filesystem is read-only.</summary>
    public required bool ReadOnly { get; init; }

    /// <summary>f_fsid: tells filesystems apart while they are mounted.</summary>
    public required ulong Id { get; init; }
}
