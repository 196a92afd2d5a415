using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Which groups are in which.</content>
public static unsafe partial class BtrfsQuota
{
    private const uint QgroupRelationKey = 246;

    /// <summary>The groups of lower levels that are directly in a group; those of subvolumes that are gone included, until they are removed.</summary>
    public static IReadOnlyList<QgroupId> Members(SafeFileHandle handle, QgroupId group)
    {
        // A relation is stored twice, under either group as object with the other one as offset.
        var relations = BtrfsTreeSearch.Find(
            handle, new BtrfsTreeSearch.Range(BtrfsIoctl.QuotaTree, group.Value, group.Value, QgroupRelationKey, QgroupRelationKey));
        return [.. relations.Select(relation => QgroupId.From(relation.Offset)).Where(other => other.Level < group.Level)];
    }
}
