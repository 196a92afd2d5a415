using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Sharing and copying of content between files.</content>
public static unsafe partial class Files
{
    private static readonly Ioctl s_clone = new("FICLONE", 0x4004_9409);
    private static readonly Ioctl s_cloneRange = new("FICLONERANGE", 0x4020_940d);

    /// <summary>
    /// Makes <paramref name="target"/> share all blocks of <paramref name="source"/>, copy on write. See ioctl_ficlone(2).
    /// </summary>
    /// <returns>False when these two files can't share: another filesystem, one without reflink, or differing nodatacow flags.</returns>
    /// <exception cref="LinuxException">EDQUOT, ENOSPC, EPERM, ETXTBSY.</exception>
    public static bool TryReflink(SafeFileHandle source, SafeFileHandle target)
    {
        var addedReference = false;
        try
        {
            source.DangerousAddRef(ref addedReference);
            return Shared(s_clone, s_clone.Try(target, source.DangerousGetHandle(), out _), target);
        }
        finally
        {
            if (addedReference)
                source.DangerousRelease();
        }
    }

    /// <summary>
    /// Makes a range of <paramref name="target"/> share the blocks of a range of <paramref name="source"/>. See ioctl_ficlonerange(2).
    /// </summary>
    /// <param name="source">The file whose blocks are shared.</param>
    /// <param name="sourceOffset">In bytes, on a block boundary.</param>
    /// <param name="target">The file that gets them.</param>
    /// <param name="targetOffset">In bytes, on a block boundary.</param>
    /// <param name="length">In bytes, whole blocks unless it ends with the source; 0: to the end of the source.</param>
    /// <returns>False when these two can't share, or the range is not aligned.</returns>
    public static bool TryReflinkRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        var addedReference = false;
        try
        {
            source.DangerousAddRef(ref addedReference);
            // struct file_clone_range: source descriptor, source offset, length, target offset.
            var range = stackalloc long[] { source.DangerousGetHandle(), sourceOffset, length, targetOffset };
            return Shared(s_cloneRange, s_cloneRange.Try(target, range), target);
        }
        finally
        {
            if (addedReference)
                source.DangerousRelease();
        }
    }

    /// <summary>
    /// Copies a range inside the kernel, sharing blocks where the filesystem does. One call: it may copy less. See copy_file_range(2).
    /// </summary>
    /// <returns>How many bytes were copied; 0 at the end of the source.</returns>
    /// <exception cref="LinuxException">EXDEV between filesystems that can't (before 5.19 between any), ENOSPC, EDQUOT.</exception>
    public static long CopyRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        nint copied;
        do
            copied = LibC.copy_file_range(source, &sourceOffset, target, &targetOffset, (nuint)length, 0);
        while (LibC.Interrupted(copied));
        return copied >= 0 ? copied : throw LinuxException.Last("copy_file_range", target);
    }

    /// <summary>
    /// The ranges of a file that hold data, in order, read as they are asked for; what lies between reads as zeros. Space that is allocated
    /// but never written may count as either. See lseek(2), SEEK_DATA.
    /// </summary>
    /// <param name="file">The file. Its position moves, so not from two threads at once.</param>
    /// <param name="length">Where to stop, in bytes from the beginning.</param>
    public static IEnumerable<Extent> DataExtents(SafeFileHandle file, long length) => DataExtents(file, 0, length);

    /// <summary>As the other, from a place in the file on; a range that holds it begins there.</summary>
    /// <param name="file">The file. Its position moves, so not from two threads at once.</param>
    /// <param name="position">Where to begin, in bytes.</param>
    /// <param name="length">Where to stop, in bytes from the beginning of the file.</param>
    public static IEnumerable<Extent> DataExtents(SafeFileHandle file, long position, long length)
    {
        while (position < length)
        {
            if (!TrySeek(file, position, LibC.SEEK_DATA, out var start) || start >= length)
                yield break;
            // There is always a hole at the end of the file, unless the file was cut meanwhile.
            if (!TrySeek(file, start, LibC.SEEK_HOLE, out var end))
                yield break;
            end = Math.Min(end, length);
            yield return new Extent(start, end - start);
            position = end;
        }
    }

    private static bool TrySeek(SafeFileHandle file, long offset, int whence, out long position)
    {
        position = LibC.lseek(file, offset, whence);
        if (position >= 0)
            return true;
        return LinuxException.LastErrno == Errno.ENXIO ? false : throw LinuxException.Last("lseek", file);
    }

    private static bool Shared(Ioctl request, Errno errno, SafeFileHandle target) => errno switch
    {
        Errno.None => true,
        Errno.EOPNOTSUPP or Errno.EXDEV or Errno.EINVAL or Errno.ENOTTY or Errno.ENOSYS => false,
        _ => throw LinuxException.Of(request.Name, errno, target),
    };
}
