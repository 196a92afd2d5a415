using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    public const uint Q_GETQUOTA = 0x80_0007;
    public const uint Q_SETQUOTA = 0x80_0008;
    public const uint Q_XGETQSTAT = 0x5805;
    public const uint QIF_BLIMITS = 1;
    public const uint QIF_ILIMITS = 4;

    private const uint PRJQUOTA = 2;
    private const nint NR_quotactl_fd = 443;

    /// <summary>struct if_dqblk.</summary>
    public struct DiskQuota
    {
        public ulong BlockHardLimit;
        public ulong BlockSoftLimit;
        public ulong CurrentSpace;
        public ulong InodeHardLimit;
        public ulong InodeSoftLimit;
        public ulong CurrentInodes;
        public ulong BlockTime;
        public ulong InodeTime;
        public uint Valid;
        public uint Spare;
    }

    public static nint quotactl_fd_project(SafeFileHandle handle, uint command, uint id, void* argument) =>
        quotactl_fd(NR_quotactl_fd, handle, (command << 8) | PRJQUOTA, id, argument);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint quotactl_fd(nint number, SafeFileHandle handle, nuint command, nuint id, void* argument);
}
