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

    /// <summary>
    /// The numbers of all subvolumes within one, at any depth, the outer before the inner; like <see cref="NestedSubvolumes"/>, but whatever
    /// the length of their paths.
    /// </summary>
    public static IReadOnlyList<ulong> NestedSubvolumeIds(SafeFileHandle subvolume)
    {
        List<ulong> found = [GetSubvolume(subvolume).Id];
        for (var i = 0; i < found.Count; i++)
        {
            var references = BtrfsTreeSearch.Find(
                subvolume,
                new BtrfsTreeSearch.Range(BtrfsIoctl.RootTree, found[i], found[i], BtrfsIoctl.RootReferenceKey, BtrfsIoctl.RootReferenceKey));
            found.AddRange(references.Select(reference => reference.Offset));
        }
        return found[1..];
    }
}
