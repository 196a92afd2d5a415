using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

/// <summary>
/// Declarations of the C library, named as the manual pages name them; one family of calls per file. Those that old C libraries have no
/// wrapper for go through syscall(2). An SafeFileHandle widens to a register; the kernel looks at its low 32 bits, so -100 is AT_FDCWD.
/// </summary>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_NO_AUTOMOUNT = 0x800;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_STATX_DONT_SYNC = 0x4000;
    public const int AT_RECURSIVE = 0x8000;

    /// <summary>AT_FDCWD: paths start from the working directory.</summary>
    public static readonly SafeFileHandle AtWorkingDirectory = new(-100, ownsHandle: false);

    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Whether a call failed because a signal came, and is to be made again.</summary>
    public static bool Interrupted(long result) => result < 0 && LinuxException.LastErrno == Errno.EINTR;
}
