using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Whether Btrfs writes data in place.</content>
public static unsafe partial class Files
{
    /// <summary>Whether the flag of <see cref="TrySetNoCopyOnWrite"/> is set; false where the filesystem has no such flag. See ioctl_iflags(2).</summary>
    public static bool IsNoCopyOnWrite(SafeFileHandle handle) => TryGetFlags(handle, out var flags) == Errno.None && (flags & FS_NOCOW_FL) != 0;
}
