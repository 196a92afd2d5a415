using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    public const uint STATX_BASIC_STATS_AND_BTIME = 0xfff;
    public const uint STATX_MNT_ID = 0x1000;
    public const uint STATX_MNT_ID_UNIQUE = 0x4000;
    public const ulong STATX_ATTR_MOUNT_ROOT = 0x2000;
    public const long ST_RDONLY = 1;

    public struct StatxTimestamp
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;
    }

    /// <summary>struct statx up to stx_mnt_id; the rest is room that the kernel fills.</summary>
    public struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint Uid;
        public uint Gid;
        public ushort Mode;
        public ushort Spare0;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTimestamp Accessed;
        public StatxTimestamp Created;
        public StatxTimestamp Changed;
        public StatxTimestamp Modified;
        public uint RepresentedMajor;
        public uint RepresentedMinor;
        public uint Major;
        public uint Minor;
        public ulong MountId;
        public fixed ulong Spare[13];
    }

    /// <summary>struct statfs of 64-bit Linux.</summary>
    public struct StatFs
    {
        public long Type;
        public long BlockSize;
        public ulong Blocks;
        public ulong FreeBlocks;
        public ulong AvailableBlocks;
        public ulong Files;
        public ulong FreeFiles;
        public ulong Id;
        public long NameLength;
        public long FragmentSize;
        public long Flags;
        public fixed long Spare[4];
    }

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int statx(SafeFileHandle directory, string path, int flags, uint mask, Statx* status);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fstatfs(SafeFileHandle handle, StatFs* status);

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int statfs(string path, StatFs* status);
}
