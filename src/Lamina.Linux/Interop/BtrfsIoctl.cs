namespace Lamina.Linux.Interop;

/// <summary>Requests to Btrfs and the constants that they use. See btrfs-ioctl(2), linux/btrfs.h, linux/btrfs_tree.h.</summary>
internal static class BtrfsIoctl
{
    public const ulong RootTree = 1;
    public const ulong QuotaTree = 8;
    public const ulong FirstFreeObject = 256;
    public const uint RootReferenceKey = 156;
    public const uint QgroupInfoKey = 242;
    public const uint QgroupLimitKey = 244;
    public const ulong SubvolumeReadOnly = 2;
    public const ulong SubvolumeQgroupInherit = 4;
    public const ulong SubvolumeById = 16;
    public const int MaxNameBytes = 255;

    public static readonly Ioctl SubvolumeCreate = new("BTRFS_IOC_SUBVOL_CREATE_V2", 0x5000_9418);
    public static readonly Ioctl SnapshotCreate = new("BTRFS_IOC_SNAP_CREATE_V2", 0x5000_9417);
    public static readonly Ioctl SnapshotDestroy = new("BTRFS_IOC_SNAP_DESTROY_V2", 0x5000_943f);
    public static readonly Ioctl SubvolumeGetFlags = new("BTRFS_IOC_SUBVOL_GETFLAGS", 0x8008_9419);
    public static readonly Ioctl SubvolumeSetFlags = new("BTRFS_IOC_SUBVOL_SETFLAGS", 0x4008_941a);
    public static readonly Ioctl SubvolumeInfo = new("BTRFS_IOC_GET_SUBVOL_INFO", 0x81f8_943c);
    public static readonly Ioctl InodeLookup = new("BTRFS_IOC_INO_LOOKUP", 0xd000_9412);
    public static readonly Ioctl TreeSearch = new("BTRFS_IOC_TREE_SEARCH_V2", 0xc070_9411);
    public static readonly Ioctl StartSync = new("BTRFS_IOC_START_SYNC", 0x8008_9418);
    public static readonly Ioctl WaitSync = new("BTRFS_IOC_WAIT_SYNC", 0x4008_9416);
    public static readonly Ioctl FileSystemInfo = new("BTRFS_IOC_FS_INFO", 0x8400_941f);
    public static readonly Ioctl DeviceInfo = new("BTRFS_IOC_DEV_INFO", 0xd000_941e);
    public static readonly Ioctl DeviceStats = new("BTRFS_IOC_GET_DEV_STATS", 0xc408_9434);
    public static readonly Ioctl SpaceInfo = new("BTRFS_IOC_SPACE_INFO", 0xc010_9414);
    public static readonly Ioctl QuotaControl = new("BTRFS_IOC_QUOTA_CTL", 0xc010_9428);
    public static readonly Ioctl QgroupAssign = new("BTRFS_IOC_QGROUP_ASSIGN", 0x4018_9429);
    public static readonly Ioctl QgroupCreate = new("BTRFS_IOC_QGROUP_CREATE", 0x4010_942a);
    public static readonly Ioctl QgroupLimit = new("BTRFS_IOC_QGROUP_LIMIT", 0x8030_942b);
}
