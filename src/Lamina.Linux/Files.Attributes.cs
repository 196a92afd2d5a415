using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Attributes: owner, mode, times, flags.</content>
public static unsafe partial class Files
{
    private const uint FS_IMMUTABLE_FL = 0x10;
    private const uint FS_APPEND_FL = 0x20;
    private const uint FS_NOCOW_FL = 0x80_0000;

    private static readonly Ioctl s_getFlags = new("FS_IOC_GETFLAGS", 0x8008_6601);
    private static readonly Ioctl s_setFlags = new("FS_IOC_SETFLAGS", 0x4008_6602);

    /// <summary>
    /// Gives a name to another owner and group, not through a symbolic link. Clears set-user-id and set-group-id. See chown(2).
    /// </summary>
    public static void ChangeOwner(SafeFileHandle directory, string name, uint uid, uint gid)
    {
        if (LibC.fchownat(directory, name, uid, gid, LibC.AT_SYMLINK_NOFOLLOW) < 0)
            throw LinuxException.Last("chown", directory, name);
    }

    /// <summary>Gives an open file to another owner and group. See chown(2).</summary>
    public static void ChangeOwner(SafeFileHandle handle, uint uid, uint gid)
    {
        if (LibC.fchownat(handle, "", uid, gid, LibC.AT_EMPTY_PATH) < 0)
            throw LinuxException.Last("chown", handle);
    }

    /// <summary>Sets permission bits (0 to 07777), not through a symbolic link (EOPNOTSUPP). See chmod(2).</summary>
    public static void ChangeMode(SafeFileHandle directory, string name, uint mode)
    {
        if (LibC.fchmodat(directory, name, mode, LibC.AT_SYMLINK_NOFOLLOW) < 0)
            throw LinuxException.Last("chmod", directory, name);
    }

    /// <summary>Sets permission bits (0 to 07777) of an open file. See chmod(2).</summary>
    public static void ChangeMode(SafeFileHandle handle, uint mode)
    {
        if (LibC.fchmod(handle, mode) == 0)
            return;
        // A handle for the place only can't be changed through itself, but through its name in /proc.
        if (LinuxException.LastErrno != Errno.EBADF || LibC.fchmodat(LibC.AtWorkingDirectory, PathOf(handle), mode, 0) < 0)
            throw LinuxException.Last("chmod", handle);
    }

    /// <summary>Sets the times of a name, not through a symbolic link. See utimensat(2).</summary>
    public static void SetTimes(SafeFileHandle directory, string name, Timestamp accessed, Timestamp modified)
    {
        var times = stackalloc LibC.TimeSpec[2];
        times[0] = new LibC.TimeSpec { Seconds = accessed.Seconds, Nanoseconds = accessed.Nanoseconds };
        times[1] = new LibC.TimeSpec { Seconds = modified.Seconds, Nanoseconds = modified.Nanoseconds };
        if (LibC.utimensat(directory, name, times, LibC.AT_SYMLINK_NOFOLLOW) < 0)
            throw LinuxException.Last("utimensat", directory, name);
    }

    /// <summary>Sets or clears the flag that nothing can change, rename or remove the file. See ioctl_iflags(2).</summary>
    /// <exception cref="LinuxException">ENOTTY or EOPNOTSUPP where the filesystem has no such flag (tmpfs before 6.6, overlay).</exception>
    public static void SetImmutable(SafeFileHandle handle, bool immutable) =>
        ChangeFlags(handle, FS_IMMUTABLE_FL, immutable, throwUnsupported: true);

    /// <summary>Like <see cref="SetImmutable"/>; false where the filesystem has no such flag.</summary>
    public static bool TrySetImmutable(SafeFileHandle handle, bool immutable) =>
        ChangeFlags(handle, FS_IMMUTABLE_FL, immutable, throwUnsupported: false);

    /// <summary>
    /// Sets or clears the flag that Btrfs writes the file's data in place. On a directory it is inherited by what is made in it; on a file
    /// it takes effect only while it is empty. See ioctl_iflags(2).
    /// </summary>
    /// <returns>False where the filesystem has no such flag.</returns>
    public static bool TrySetNoCopyOnWrite(SafeFileHandle handle, bool noCopyOnWrite) =>
        ChangeFlags(handle, FS_NOCOW_FL, noCopyOnWrite, throwUnsupported: false);

    /// <summary>Clears what keeps a file from being removed; false when nothing did, or the filesystem has no such flags.</summary>
    internal static bool TryClearProtection(SafeFileHandle handle) =>
        TryGetFlags(handle, out var flags) == Errno.None
        && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0
        && TrySetFlags(handle, flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) == Errno.None;

    private static bool ChangeFlags(SafeFileHandle handle, uint flag, bool on, bool throwUnsupported)
    {
        var errno = TryGetFlags(handle, out var flags);
        if (errno == Errno.None)
        {
            var wanted = on ? flags | flag : flags & ~flag;
            errno = wanted == flags ? Errno.None : TrySetFlags(handle, wanted);
        }
        return errno switch
        {
            Errno.None => true,
            Errno.ENOTTY or Errno.EOPNOTSUPP or Errno.ENOSYS when !throwUnsupported => false,
            _ => throw LinuxException.Of(s_setFlags.Name, errno, handle),
        };
    }

    private static Errno TryGetFlags(SafeFileHandle handle, out uint flags)
    {
        // The number says "long", but filesystems read and write an int; zero first, so that it is right for both.
        ulong value = 0;
        var errno = s_getFlags.Try(handle, &value);
        flags = (uint)value;
        return errno;
    }

    private static Errno TrySetFlags(SafeFileHandle handle, uint flags)
    {
        ulong value = flags;
        return s_setFlags.Try(handle, &value);
    }
}
