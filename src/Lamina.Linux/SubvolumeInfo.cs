namespace Lamina.Linux;

/// <summary>A Btrfs subvolume. See btrfs-ioctl(2), BTRFS_IOC_GET_SUBVOL_INFO.</summary>
public sealed record SubvolumeInfo
{
    /// <summary>Its number, never used again; also that of its level-0 qgroup.</summary>
    public required ulong Id { get; init; }

    /// <summary>Its name in the directory that holds it; empty for the top level.</summary>
    public required string Name { get; init; }

    /// <summary>The subvolume that holds it; 0 for the top level and for one that has been deleted.</summary>
    public required ulong ParentId { get; init; }

    /// <summary>The inode of the directory that holds it.</summary>
    public required ulong DirectoryInode { get; init; }

    /// <summary>The last transaction that changed it.</summary>
    public required ulong Generation { get; init; }

    /// <summary>Whether nothing in it can be changed.</summary>
    public required bool IsReadOnly { get; init; }

    /// <summary>Its own identity.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>What it is a snapshot of; empty if it is none.</summary>
    public required Guid ParentUuid { get; init; }
}
