namespace Lamina.Linux;

/// <summary>The filesystems that are told apart. See statfs(2).</summary>
public enum FileSystemKind
{
    /// <summary>Any other.</summary>
    Other,
    /// <summary>ext4, and ext2 and ext3, which share its number.</summary>
    Ext4,
    /// <summary>XFS.</summary>
    Xfs,
    /// <summary>Btrfs.</summary>
    Btrfs,
    /// <summary>overlayfs.</summary>
    Overlay,
    /// <summary>tmpfs.</summary>
    Tmpfs,
    /// <summary>NFS, any version.</summary>
    Nfs,
    /// <summary>FAT.</summary>
    Vfat,
    /// <summary>Any FUSE filesystem.</summary>
    Fuse,
    /// <summary>ZFS.</summary>
    Zfs,
}
