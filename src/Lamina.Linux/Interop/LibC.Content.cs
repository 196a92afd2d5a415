using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    public const int SEEK_SET = 0;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;
    public const uint SYNC_FILE_RANGE_WAIT_BEFORE = 1;
    public const uint SYNC_FILE_RANGE_WRITE = 2;
    public const uint SYNC_FILE_RANGE_WAIT_AFTER = 4;
    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;
    public const short POLLPRI = 2;
    public const short POLLERR = 8;

    /// <summary>struct pollfd.</summary>
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint getrandom(byte* buffer, nuint length, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint read(SafeFileHandle handle, byte* buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint pread(SafeFileHandle handle, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint pwrite(SafeFileHandle handle, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    public static partial long lseek(SafeFileHandle handle, long offset, int whence);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ftruncate(SafeFileHandle handle, long length);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fallocate(SafeFileHandle handle, int mode, long offset, long length);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint copy_file_range(
        SafeFileHandle source, long* sourceOffset, SafeFileHandle target, long* targetOffset, nuint length, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fsync(SafeFileHandle handle);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fdatasync(SafeFileHandle handle);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int syncfs(SafeFileHandle handle);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int sync_file_range(SafeFileHandle handle, long offset, long length, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int flock(SafeFileHandle handle, int operation);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int poll(PollDescriptor* descriptors, nuint count, int timeout);
}
