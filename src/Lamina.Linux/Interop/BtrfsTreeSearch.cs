using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

/// <summary>
/// Reads items of a Btrfs tree as of now, a buffer at a time. Wants CAP_SYS_ADMIN. See btrfs-ioctl(2), BTRFS_IOC_TREE_SEARCH_V2.
/// </summary>
internal static unsafe class BtrfsTreeSearch
{
    // struct btrfs_ioctl_search_args_v2: a key of 104 bytes, the buffer's size, the buffer.
    private const int HeaderSize = 112;
    private const int BufferSize = 64 * 1024;

    /// <summary>struct btrfs_ioctl_search_header.</summary>
    private const int ItemHeaderSize = 32;

    public readonly record struct Item(ulong ObjectId, uint Type, ulong Offset, byte[] Data);

    /// <summary>A range of keys, bounds included. Keys are ordered by object, then type, then offset.</summary>
    public readonly record struct Range(ulong Tree, ulong FirstObject, ulong LastObject, uint FirstType, uint LastType)
    {
        public ulong FirstOffset { get; init; } = 0;

        public ulong LastOffset { get; init; } = ulong.MaxValue;

        /// <summary>Only what lies in blocks that were written by this transaction or a later one; items that did not change lie there too.</summary>
        public ulong FirstTransaction { get; init; } = 0;
    }

    /// <summary>The items in a range; none when there is no such tree.</summary>
    public static List<Item> Find(SafeFileHandle handle, Range range)
    {
        List<Item> items = [];
        var buffer = new byte[HeaderSize + BufferSize];
        var (objectId, type, offset) = (range.FirstObject, range.FirstType, range.FirstOffset);
        while (true)
        {
            var count = Search(handle, buffer, range, objectId, type, offset);
            if (count == 0)
                return items;

            ReadOnlySpan<byte> rest = buffer.AsSpan(HeaderSize);
            for (var i = 0; i < count; i++)
            {
                objectId = MemoryMarshal.Read<ulong>(rest[8..]);
                offset = MemoryMarshal.Read<ulong>(rest[16..]);
                type = MemoryMarshal.Read<uint>(rest[24..]);
                var length = (int)MemoryMarshal.Read<uint>(rest[28..]);
                // The kernel's lower bound is the whole key, its upper bound too: types in between come along.
                if (type >= range.FirstType && type <= range.LastType)
                    items.Add(new Item(objectId, type, offset, rest.Slice(ItemHeaderSize, length).ToArray()));
                rest = rest[(ItemHeaderSize + length)..];
            }
            if (!TryAdvance(ref objectId, ref type, ref offset))
                return items;
        }
    }

    private static uint Search(SafeFileHandle handle, byte[] buffer, Range range, ulong objectId, uint type, ulong offset)
    {
        fixed (byte* pointer = buffer)
        {
            new Span<byte>(pointer, HeaderSize).Clear();
            var words = (ulong*)pointer;
            words[0] = range.Tree;
            words[1] = objectId;
            words[2] = range.LastObject;
            words[3] = offset;
            words[4] = range.LastOffset;
            words[5] = range.FirstTransaction;
            words[6] = ulong.MaxValue;
            ((uint*)pointer)[14] = type;
            ((uint*)pointer)[15] = range.LastType;
            ((uint*)pointer)[16] = uint.MaxValue; // as many as fit; on return, how many
            words[13] = BufferSize;
            var errno = BtrfsIoctl.TreeSearch.Try(handle, pointer);
            return errno switch
            {
                Errno.None => ((uint*)pointer)[16],
                Errno.ENOENT => 0,
                _ => throw LinuxException.Of(BtrfsIoctl.TreeSearch.Name, errno, handle),
            };
        }
    }

    /// <summary>The next key; false after the last that there can be.</summary>
    private static bool TryAdvance(ref ulong objectId, ref uint type, ref ulong offset)
    {
        if (++offset != 0)
            return true;
        if (++type <= byte.MaxValue)
            return true;
        type = 0;
        return ++objectId != 0;
    }
}
