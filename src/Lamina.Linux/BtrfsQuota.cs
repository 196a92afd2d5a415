using System.Runtime.InteropServices;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Quota groups of Btrfs. All take any handle of the filesystem and want CAP_SYS_ADMIN. See btrfs-quota(8), btrfs-qgroup(8).
/// </summary>
public static unsafe partial class BtrfsQuota
{
    private const ulong EnableSimpleCommand = 4;
    private const ulong LimitReferenced = 1;

    /// <summary>
    /// How the filesystem counts now. Read from sysfs, as the request that switches it on answers success whatever is on already.
    /// </summary>
    public static BtrfsQuotaMode GetMode(SafeFileHandle handle)
    {
        var directory = $"/sys/fs/btrfs/{Btrfs.GetFileSystemId(handle):D}/qgroups";
        if (Files.TryStat(directory) is null)
            return BtrfsQuotaMode.None;
        using var qgroups = Files.OpenDirectory(directory);
        // Kernels without simple quotas have the directory, but no such file in it.
        var mode = Files.TryReadAllAt(qgroups, "mode") is { } content ? Encoding.ASCII.GetString(content).Trim() : "qgroup";
        return mode switch
        {
            "squota" => BtrfsQuotaMode.Simple,
            "disabled" => BtrfsQuotaMode.None,
            _ => BtrfsQuotaMode.Full,
        };
    }

    /// <summary>
    /// Switches simple quotas on; nothing happens where they are. Irreversible in so far as kernels below 6.7 can't mount the
    /// filesystem for writing any more. Blocks that were written before are charged to nobody.
    /// </summary>
    /// <exception cref="LinuxException">
    /// EEXIST where classic quotas are on, which are left alone; EINVAL on kernels without simple quotas.
    /// </exception>
    public static void EnableSimple(SafeFileHandle handle)
    {
        switch (GetMode(handle))
        {
            case BtrfsQuotaMode.Simple:
                return;
            case BtrfsQuotaMode.Full:
                throw LinuxException.Of("enable simple quotas", Errno.EEXIST, handle, "classic quotas are on");
        }

        // struct btrfs_ioctl_quota_ctl_args: command, status.
        var arguments = stackalloc ulong[] { EnableSimpleCommand, 0 };
        BtrfsIoctl.QuotaControl.Call(handle, arguments);
        if (GetMode(handle) is var mode and not BtrfsQuotaMode.Simple)
            throw LinuxException.Of("enable simple quotas", Errno.EEXIST, handle, $"the mode is {mode} afterwards");
    }

    /// <summary>Makes a group.</summary>
    /// <exception cref="LinuxException">EEXIST; ENOTCONN where quotas are off; EINVAL for a level-0 group under simple quotas.</exception>
    public static void CreateGroup(SafeFileHandle handle, QgroupId group)
    {
        // struct btrfs_ioctl_qgroup_create_args: create or not, group.
        var arguments = stackalloc ulong[] { 1, group.Value };
        BtrfsIoctl.QgroupCreate.Call(handle, arguments, detail: $"group {group}");
    }

    /// <summary>Removes a group; false when there is none (ENOENT), or it has members or its subvolume lives (EBUSY).</summary>
    public static bool TryDestroyGroup(SafeFileHandle handle, QgroupId group)
    {
        var arguments = stackalloc ulong[] { 0, group.Value };
        return BtrfsIoctl.QgroupCreate.Try(handle, arguments) switch
        {
            Errno.None => true,
            Errno.ENOENT or Errno.EBUSY => false,
            var errno => throw LinuxException.Of(BtrfsIoctl.QgroupCreate.Name, errno, handle, $"group {group}"),
        };
    }

    /// <summary>Puts a group into one of a higher level.</summary>
    /// <exception cref="LinuxException">
    /// EEXIST when it is there already, EINVAL when a group is missing or the levels are not ascending.
    /// </exception>
    public static void Assign(SafeFileHandle handle, QgroupId child, QgroupId parent)
    {
        // struct btrfs_ioctl_qgroup_assign_args: assign or remove, from, to.
        var arguments = stackalloc ulong[] { 1, child.Value, parent.Value };
        BtrfsIoctl.QgroupAssign.Call(handle, arguments, detail: $"group {child} in {parent}");
    }

    /// <summary>
    /// Sets the most that may be charged to a group, or lifts it. It can be less than what is; then only nothing more is given.
    /// </summary>
    /// <param name="handle">Any of the filesystem.</param>
    /// <param name="group">Which.</param>
    /// <param name="maxReferenced">In bytes, metadata included; null: no limit.</param>
    /// <exception cref="LinuxException">ENOENT when there is no such group.</exception>
    public static void Limit(SafeFileHandle handle, QgroupId group, ulong? maxReferenced)
    {
        // struct btrfs_ioctl_qgroup_limit_args: group, which limits, referenced, exclusive, two reservations. All ones clear a limit.
        var arguments = stackalloc ulong[] { group.Value, LimitReferenced, maxReferenced ?? ulong.MaxValue, 0, 0, 0 };
        BtrfsIoctl.QgroupLimit.Call(handle, arguments, detail: $"group {group}");
    }

    /// <summary>One group; null when there is none, or quotas are off.</summary>
    public static QgroupUsage? Get(SafeFileHandle handle, QgroupId group)
    {
        // All groups' items have object 0 and the group as offset. A range is one of whole keys, so each type is asked for by itself.
        var found = Find(handle, BtrfsIoctl.QgroupInfoKey, BtrfsIoctl.QgroupInfoKey, group.Value, group.Value);
        if (found.Count == 0)
            return null;
        found.AddRange(Find(handle, BtrfsIoctl.QgroupLimitKey, BtrfsIoctl.QgroupLimitKey, group.Value, group.Value));
        return Usages(found)[group];
    }

    /// <summary>All groups, in few requests; empty where quotas are off.</summary>
    public static IReadOnlyDictionary<QgroupId, QgroupUsage> List(SafeFileHandle handle) =>
        Usages(Find(handle, BtrfsIoctl.QgroupInfoKey, BtrfsIoctl.QgroupLimitKey, 0, ulong.MaxValue));

    private static List<BtrfsTreeSearch.Item> Find(
        SafeFileHandle handle, uint firstType, uint lastType, ulong firstOffset, ulong lastOffset) =>
        BtrfsTreeSearch.Find(
            handle,
            new BtrfsTreeSearch.Range(BtrfsIoctl.QuotaTree, 0, 0, firstType, lastType)
            {
                FirstOffset = firstOffset,
                LastOffset = lastOffset,
            });

    private static Dictionary<QgroupId, QgroupUsage> Usages(List<BtrfsTreeSearch.Item> items)
    {
        Dictionary<QgroupId, QgroupUsage> usages = [];
        foreach (var item in items)
        {
            ReadOnlySpan<byte> data = item.Data;
            var group = QgroupId.From(item.Offset);
            var usage = usages.GetValueOrDefault(group);
            switch (item.Type)
            {
                // struct btrfs_qgroup_info_item: transaction, referenced, the same compressed, exclusive, the same compressed.
                case BtrfsIoctl.QgroupInfoKey:
                    usages[group] = usage with
                    {
                        Referenced = MemoryMarshal.Read<ulong>(data[8..]),
                        Exclusive = MemoryMarshal.Read<ulong>(data[24..]),
                    };
                    break;
                // struct btrfs_qgroup_limit_item: which limits, referenced, exclusive, two reservations.
                case BtrfsIoctl.QgroupLimitKey:
                    if ((MemoryMarshal.Read<ulong>(data) & LimitReferenced) != 0)
                        usages[group] = usage with { Limit = MemoryMarshal.Read<ulong>(data[8..]) };
                    break;
            }
        }
        return usages;
    }
}
