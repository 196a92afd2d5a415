using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>What has changed in a subvolume.</content>
public static unsafe partial class Btrfs
{
    private const uint InodeItemKey = 1;
    private const ulong FirstInode = BtrfsIoctl.FirstFreeObject;
    private const ulong LastInode = ulong.MaxValue - 256;

    // struct btrfs_inode_item: after 112 bytes the times of access, change, modification and creation, 8 bytes of seconds and 4 of nanoseconds each.
    private const int ChangeTime = 124;

    /// <summary>
    /// A file or directory of which the time of change is later than a moment, by its inode; null when there is none. Looks only at what was written
    /// since a transaction, so it costs what has changed and not what there is.
    /// </summary>
    /// <param name="subvolume">The subvolume; what is only in memory yet is not seen, so it is a snapshot, as a rule.</param>
    /// <param name="sinceTransaction">A transaction that ended before the moment.</param>
    /// <param name="moment">The moment.</param>
    public static ulong? FindChangedAfter(SafeFileHandle subvolume, ulong sinceTransaction, Timestamp moment)
    {
        var inodes = BtrfsTreeSearch.Find(
            subvolume,
            new BtrfsTreeSearch.Range(0, FirstInode, LastInode, InodeItemKey, InodeItemKey) { FirstTransaction = sinceTransaction });
        foreach (var inode in inodes)
        {
            var changed = new Timestamp(MemoryMarshal.Read<long>(inode.Data.AsSpan(ChangeTime)), MemoryMarshal.Read<uint>(inode.Data.AsSpan(ChangeTime + 8)));
            if (changed > moment)
                return inode.ObjectId;
        }
        return null;
    }
}
