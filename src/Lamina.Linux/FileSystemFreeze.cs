using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Stops all writes to a filesystem, with everything written so far on the disk. Writers, and whoever waits for them, wait until the thaw:
/// whoever freezes must not write there. See ioctl_fs(2), FIFREEZE.
/// </summary>
public static class FileSystemFreeze
{
    private static readonly Ioctl s_freeze = new("FIFREEZE", 0xc004_5877);
    private static readonly Ioctl s_thaw = new("FITHAW", 0xc004_5878);

    /// <summary>Freezes. It outlives the handle and the process.</summary>
    /// <exception cref="LinuxException">EBUSY when it is frozen already, EOPNOTSUPP for overlay and others that can't.</exception>
    public static void Freeze(SafeFileHandle fileSystem) => s_freeze.Call(fileSystem, 0);

    /// <summary>Thaws.</summary>
    /// <exception cref="LinuxException">EINVAL when it is not frozen.</exception>
    public static void Thaw(SafeFileHandle fileSystem) => s_thaw.Call(fileSystem, 0);
}
