using System.Buffers;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Names: what a directory says of its files.</content>
public static unsafe partial class Files
{
    /// <summary>Removes an empty directory. See rmdir(2).</summary>
    /// <exception cref="LinuxException">ENOTEMPTY, EBUSY for a mount point, ENOTDIR.</exception>
    public static void RemoveDirectory(SafeFileHandle directory, string name)
    {
        if (LibC.unlinkat(directory, name, LibC.AT_REMOVEDIR) < 0)
            throw LinuxException.Last("rmdir", directory, name);
    }

    /// <summary>Removes a name that is not a directory's. See unlink(2).</summary>
    /// <exception cref="LinuxException">EISDIR, EBUSY for a mount point, EPERM for an immutable file.</exception>
    public static void Unlink(SafeFileHandle directory, string name)
    {
        if (!TryUnlink(directory, name))
            throw LinuxException.At("unlink", Errno.ENOENT, directory, name);
    }

    /// <summary>Removes a name that is not a directory's; false when there is none. See unlink(2).</summary>
    public static bool TryUnlink(SafeFileHandle directory, string name)
    {
        if (LibC.unlinkat(directory, name, 0) == 0)
            return true;
        return LinuxException.LastErrno == Errno.ENOENT ? false : throw LinuxException.Last("unlink", directory, name);
    }

    /// <summary>Gives a file another name, in one step. See rename(2).</summary>
    /// <exception cref="LinuxException">
    /// EEXIST with <see cref="RenameFlags.NoReplace"/>, ENOTEMPTY for a directory that would be replaced, EXDEV across mounts, EROFS
    /// for a read-only Btrfs subvolume.
    /// </exception>
    public static void Rename(
        SafeFileHandle fromDirectory, string from, SafeFileHandle toDirectory, string to, RenameFlags flags = RenameFlags.None)
    {
        if (LibC.renameat2(fromDirectory, from, toDirectory, to, (uint)flags) == 0)
            return;
        var errno = LinuxException.LastErrno;
        throw new LinuxException($"rename {Describe(fromDirectory, from)} to {Describe(toDirectory, to)}", errno);
    }

    /// <summary>Gives a file one more name. A symbolic link is linked itself, not followed. See link(2).</summary>
    public static void Link(SafeFileHandle fromDirectory, string from, SafeFileHandle toDirectory, string to)
    {
        if (LibC.linkat(fromDirectory, from, toDirectory, to, 0) == 0)
            return;
        var errno = LinuxException.LastErrno;
        throw new LinuxException($"link {Describe(fromDirectory, from)} to {Describe(toDirectory, to)}", errno);
    }

    /// <summary>Makes a symbolic link that says <paramref name="target"/>, which need not exist. See symlink(2).</summary>
    public static void SymbolicLink(string target, SafeFileHandle directory, string name)
    {
        if (LibC.symlinkat(target, directory, name) < 0)
            throw LinuxException.Last("symlink", directory, name);
    }

    /// <summary>What a symbolic link says. EINVAL when it is no symbolic link. See readlink(2).</summary>
    public static string ReadLink(SafeFileHandle directory, string name)
    {
        for (var size = 512; ; size *= 4)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                nint length;
                fixed (byte* pointer = buffer)
                    length = LibC.readlinkat(directory, name, pointer, (nuint)buffer.Length);
                if (length < 0)
                {
                    // Not by Last(directory, name): naming the directory reads a link, and would come back here.
                    var errno = LinuxException.LastErrno;
                    throw name.StartsWith('/')
                        ? new LinuxException($"readlink {name}", errno)
                        : LinuxException.At("readlink", errno, directory, name);
                }
                // A full buffer may be a cut one.
                if (length < buffer.Length)
                    return PathEncoding.Decode(buffer.AsSpan(0, (int)length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>Makes a device, FIFO, socket or empty file. See mknod(2).</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="mode">
    /// The type (S_IFCHR 0x2000, S_IFBLK 0x6000, S_IFIFO 0x1000, S_IFSOCK 0xC000) and the permission bits, which are exact.
    /// </param>
    /// <param name="device">For a device: which; see <see cref="DeviceNumber"/>. 0:0 as a character device is overlay's whiteout.</param>
    public static void MakeNode(SafeFileHandle directory, string name, uint mode, ulong device)
    {
        if (LibC.mknodat(directory, name, mode, device) < 0)
            throw LinuxException.Last("mknod", directory, name);
        ChangeMode(directory, name, mode & AllModeBits);
    }
}
