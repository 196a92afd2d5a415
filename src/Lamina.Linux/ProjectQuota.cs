using System.Globalization;
using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Quotas by project: a number that files carry, whoever owns them. Of ext4 and XFS. See quotactl(2), ioctl_xfs_fsgetxattr(2).
/// </summary>
public static unsafe class ProjectQuota
{
    private const ushort FS_QUOTA_PDQ_ENFD = 1 << 5;
    private const uint FS_XFLAG_PROJINHERIT = 0x200;
    private const ulong LimitUnit = 1024;

    private static readonly Ioctl s_getAttributes = new("FS_IOC_FSGETXATTR", 0x801c_581f);
    private static readonly Ioctl s_setAttributes = new("FS_IOC_FSSETXATTR", 0x401c_5820);

    /// <summary>
    /// Whether the filesystem keeps projects within limits. False where it only counts, or neither it nor the kernel can.
    /// </summary>
    public static bool IsEnforced(SafeFileHandle fileSystem)
    {
        // struct fs_quota_stat: version s8, flags u16 at 2, the rest is not of interest.
        Span<byte> state = stackalloc byte[80];
        state.Clear();
        fixed (byte* pointer = state)
        {
            if (LibC.quotactl_fd_project(fileSystem, LibC.Q_XGETQSTAT, 0, pointer) < 0)
                return false;
        }
        return (MemoryMarshal.Read<ushort>(state[2..]) & FS_QUOTA_PDQ_ENFD) != 0;
    }

    /// <summary>Puts a file or directory into a project. What is in the directory already is not touched.</summary>
    /// <param name="directory">Which, open for reading.</param>
    /// <param name="id">The project; 0: none.</param>
    /// <param name="inherit">
    /// Whether what is made in it belongs to the project too; then nothing of another project can be renamed into it (EXDEV).
    /// </param>
    /// <exception cref="LinuxException">EOPNOTSUPP or ENOTTY where the filesystem has no projects.</exception>
    public static void SetProject(SafeFileHandle directory, uint id, bool inherit)
    {
        FileSystemAttributes attributes;
        s_getAttributes.Call(directory, &attributes);
        attributes.ProjectId = id;
        attributes.Flags = inherit ? attributes.Flags | FS_XFLAG_PROJINHERIT : attributes.Flags & ~FS_XFLAG_PROJINHERIT;
        s_setAttributes.Call(directory, &attributes);
    }

    /// <summary>Sets what a project may use at most. Beyond it writes fail with EDQUOT, on XFS with ENOSPC.</summary>
    /// <param name="fileSystem">Any handle of the filesystem, open for reading.</param>
    /// <param name="id">The project, not 0.</param>
    /// <param name="bytes">Space, rounded up to KiB; null: no limit.</param>
    /// <param name="inodes">Files; null: no limit.</param>
    /// <exception cref="LinuxException">ESRCH where quotas are off, ENOSYS where the kernel or the filesystem has none.</exception>
    public static void SetLimit(SafeFileHandle fileSystem, uint id, ulong? bytes, ulong? inodes)
    {
        // For the kernel 0 is "no limit"; the least that can be asked for is one unit.
        var quota = new LibC.DiskQuota
        {
            BlockHardLimit = bytes is { } most ? Math.Max(1, most / LimitUnit + (most % LimitUnit > 0 ? 1UL : 0)) : 0,
            InodeHardLimit = inodes is { } count ? Math.Max(1, count) : 0,
            Valid = LibC.QIF_BLIMITS | LibC.QIF_ILIMITS,
        };
        if (LibC.quotactl_fd_project(fileSystem, LibC.Q_SETQUOTA, id, &quota) < 0)
            throw LinuxException.Last(string.Create(CultureInfo.InvariantCulture, $"set quota of project {id} on"), fileSystem);
    }

    /// <summary>What a project uses and may use; nothing and no limit when it is not known yet.</summary>
    /// <exception cref="LinuxException">ESRCH where quotas are off, ENOSYS where the kernel or the filesystem has none.</exception>
    public static ProjectUsage Get(SafeFileHandle fileSystem, uint id)
    {
        LibC.DiskQuota quota;
        if (LibC.quotactl_fd_project(fileSystem, LibC.Q_GETQUOTA, id, &quota) < 0)
        {
            if (LinuxException.LastErrno == Errno.ENOENT)
                return default;
            throw LinuxException.Last(string.Create(CultureInfo.InvariantCulture, $"get quota of project {id} on"), fileSystem);
        }
        return new ProjectUsage(
            quota.CurrentSpace,
            quota.CurrentInodes,
            quota.BlockHardLimit == 0 ? null : quota.BlockHardLimit * LimitUnit,
            quota.InodeHardLimit == 0 ? null : quota.InodeHardLimit);
    }

    /// <summary>struct fsxattr.</summary>
    private struct FileSystemAttributes
    {
        public uint Flags;
        public uint ExtentSize;
        public uint ExtentCount;
        public uint ProjectId;
        public uint CopyOnWriteExtentSize;
        public fixed byte Padding[8];
    }
}
