using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Content: reading, writing, length, flushing, locks.</content>
public static unsafe partial class Files
{
    /// <summary>Reads at an offset until the buffer is full or the file ends; returns how many bytes were read. See pread(2).</summary>
    public static int Read(SafeFileHandle handle, long offset, Span<byte> buffer)
    {
        var done = 0;
        fixed (byte* pointer = buffer)
        {
            while (done < buffer.Length)
            {
                var read = LibC.pread(handle, pointer + done, (nuint)(buffer.Length - done), offset + done);
                if (LibC.Interrupted(read))
                    continue;
                if (read < 0)
                    throw LinuxException.Last("read", handle);
                if (read == 0)
                    break;
                done += (int)read;
            }
        }
        return done;
    }

    /// <summary>Writes everything at an offset. See pwrite(2).</summary>
    /// <exception cref="LinuxException">ENOSPC, EDQUOT, EFBIG, EIO; a part may have been written.</exception>
    public static void WriteAll(SafeFileHandle handle, long offset, ReadOnlySpan<byte> content)
    {
        var done = 0;
        fixed (byte* pointer = content)
        {
            while (done < content.Length)
            {
                var written = LibC.pwrite(handle, pointer + done, (nuint)(content.Length - done), offset + done);
                if (LibC.Interrupted(written))
                    continue;
                if (written < 0)
                    throw LinuxException.Last("write", handle);
                done += (int)written;
            }
        }
    }

    /// <summary>Everything from the beginning to the end, which need not be where the size says (as in /proc).</summary>
    /// <exception cref="LinuxException">EFBIG beyond what an array holds.</exception>
    public static byte[] ReadAll(SafeFileHandle handle)
    {
        var size = Stat(handle).Size;
        if (size >= Array.MaxLength)
            throw LinuxException.Of("read", Errno.EFBIG, handle);

        // One byte more than the size tells the end from a file that has grown, in one call.
        var buffer = new byte[size + 1 > 4096 ? (int)size + 1 : 4096];
        var length = 0;
        while (true)
        {
            var read = Read(handle, length, buffer.AsSpan(length));
            length += read;
            if (length < buffer.Length)
                return buffer[..length];
            if (length == Array.MaxLength)
                throw LinuxException.Of("read", Errno.EFBIG, handle);
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, 2L * length));
        }
    }

    /// <summary>Everything in a file of a directory; null when there is no such name. A symbolic link is not followed (ELOOP).</summary>
    public static byte[]? TryReadAllAt(SafeFileHandle directory, string name)
    {
        SafeFileHandle handle;
        try
        {
            // NonBlock, so that a FIFO of that name can't hold us.
            handle = OpenAt(directory, name, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock);
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
        using (handle)
            return ReadAll(handle);
    }

    /// <summary>Cuts or extends a file; what is added reads as zeros and takes no space. See ftruncate(2).</summary>
    public static void SetLength(SafeFileHandle handle, long length)
    {
        int result;
        do
            result = LibC.ftruncate(handle, length);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("truncate", handle);
    }

    /// <summary>Gives the space of a range back; it reads as zeros, and the length stays. See fallocate(2).</summary>
    /// <exception cref="LinuxException">EOPNOTSUPP where the filesystem can't.</exception>
    public static void PunchHole(SafeFileHandle handle, long offset, long length) =>
        Allocate(handle, LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, offset, length);

    /// <summary>
    /// Takes the space of a range, so that writes there can't fail for want of it; extends the file if needed. See fallocate(2).
    /// </summary>
    /// <exception cref="LinuxException">ENOSPC, EDQUOT, EOPNOTSUPP.</exception>
    public static void Allocate(SafeFileHandle handle, long offset, long length) => Allocate(handle, 0, offset, length);

    /// <summary>Writes a file, or a directory's names, to the disk. See fsync(2).</summary>
    /// <exception cref="LinuxException">
    /// EIO, ENOSPC, EDQUOT: earlier writes may be lost; EBADF for a <see cref="OpenFlags.Path"/> handle.
    /// </exception>
    public static void Flush(SafeFileHandle handle)
    {
        using var waiting = Flushes.Begin("fsync");
        int result;
        do
            result = LibC.fsync(handle);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("fsync", handle);
    }

    /// <summary>Writes a file's data and its length to the disk, but not its times. See fdatasync(2).</summary>
    public static void FlushData(SafeFileHandle handle)
    {
        using var waiting = Flushes.Begin("fdatasync");
        int result;
        do
            result = LibC.fdatasync(handle);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("fdatasync", handle);
    }

    /// <summary>Writes everything of the whole filesystem that the file is on to the disk. See syncfs(2).</summary>
    public static void FlushFileSystem(SafeFileHandle handle)
    {
        using var waiting = Flushes.Begin("syncfs");
        int result;
        do
            result = LibC.syncfs(handle);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("syncfs", handle);
    }

    /// <summary>
    /// Writes a file's dirty pages out and waits, without asking the disk or the filesystem's journal to make anything durable. Afterwards
    /// the next store into a mapped page is noticed by the kernel, and moves the file's times. See sync_file_range(2).
    /// </summary>
    /// <exception cref="LinuxException">EIO, ENOSPC: earlier writes may be lost.</exception>
    public static void WriteBack(SafeFileHandle handle)
    {
        const uint flags = LibC.SYNC_FILE_RANGE_WAIT_BEFORE | LibC.SYNC_FILE_RANGE_WRITE | LibC.SYNC_FILE_RANGE_WAIT_AFTER;
        int result;
        do
            result = LibC.sync_file_range(handle, 0, 0, flags);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("sync_file_range", handle);
    }

    /// <summary>Takes an exclusive lock without waiting; null when somebody else has it. See flock(2).</summary>
    /// <remarks>Never shared with children, as descriptors are closed on exec. Locks of other kinds (fcntl) are not seen.</remarks>
    public static FileLock? TryLock(SafeFileHandle handle)
    {
        int result;
        do
            result = LibC.flock(handle, LibC.LOCK_EX | LibC.LOCK_NB);
        while (LibC.Interrupted(result));
        if (result == 0)
            return new FileLock(handle);
        return LinuxException.LastErrno == Errno.EAGAIN ? null : throw LinuxException.Last("flock", handle);
    }

    private static void Allocate(SafeFileHandle handle, int mode, long offset, long length)
    {
        int result;
        do
            result = LibC.fallocate(handle, mode, offset, length);
        while (LibC.Interrupted(result));
        if (result < 0)
            throw LinuxException.Last("fallocate", handle);
    }
}
