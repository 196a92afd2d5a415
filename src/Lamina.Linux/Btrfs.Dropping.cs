using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>What becomes of subvolumes that are destroyed.</content>
public static unsafe partial class Btrfs
{
    private const uint RootItemKey = 132;

    /// <summary>
    /// Whether nothing is left of a subvolume. One that is destroyed has no name any more, but the kernel takes its blocks apart in the
    /// background; it begins with that at the next commit, and before its end they count as used.
    /// </summary>
    /// <param name="fileSystem">Any handle of the filesystem.</param>
    /// <param name="id">The subvolume's number, which is never used again.</param>
    public static bool IsDropped(SafeFileHandle fileSystem, ulong id) =>
        BtrfsTreeSearch.Find(fileSystem, new BtrfsTreeSearch.Range(BtrfsIoctl.RootTree, id, id, RootItemKey, RootItemKey)).Count == 0;
}
