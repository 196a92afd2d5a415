using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// Hard limits by simple quotas: one level-1 group per volume, which the volume's subvolume is born in and so whatever users nest inside of it.
/// Where there are no simple quotas, all of this does nothing.
/// </summary>
/// <remarks>
/// Simple quotas charge a block to the subvolume that wrote it for as long as the block exists, whoever else still needs it. So blocks that
/// only snapshots hold stay charged to the volume, and its limit is what such blocks may take plus the size: after a cut what is charged by then,
/// as all of it may be overwritten.
/// </remarks>
internal sealed class SimpleQuotas
{
    private const ushort Level = 1;
    private const int NumberBits = 24;

    private readonly SafeFileHandle _fileSystem;
    private readonly HashSet<ulong> _abandoned = [];
    private readonly Lock _gate = new();

    // The upper half of our groups' numbers, so that on a shared filesystem nobody else's group is taken for one of ours.
    private readonly ulong _prefix;

    internal SimpleQuotas(PoolDirectory pool, PoolSettings settings)
    {
        _fileSystem = pool.Root;
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes(pool.Identity.Id.ToString()));
        _prefix = (ulong)(BinaryPrimitives.ReadUInt32BigEndian(hash) >> 8 | 1) << NumberBits;
        Problem = Prepare(settings);
    }

    /// <summary>Why there are no hard limits; null where there are.</summary>
    internal string? Problem { get; }

    /// <summary>Whether sizes are enforced.</summary>
    internal bool AreEnforced => Problem is null;

    /// <summary>A new group for a new volume.</summary>
    /// <returns>Its number; null where there are no quotas.</returns>
    internal ulong? CreateGroup(ByteSize? size)
    {
        if (!AreEnforced)
            return null;
        while (true)
        {
            var group = _prefix | (uint)KernelRandom.GetBits(NumberBits);
            try
            {
                BtrfsQuota.CreateGroup(_fileSystem, IdOf(group));
            }
            catch (LinuxException e) when (e.Errno is Errno.EEXIST)
            {
                continue;
            }
            if (size is { } limit)
                SetLimit(group, (ulong)limit.Bytes);
            return group;
        }
    }

    /// <summary>What a subvolume has to inherit to be born in a group.</summary>
    internal static QgroupId? Inherit(ulong? group) => group is { } number ? IdOf(number) : null;

    /// <summary>Makes a limit larger by as much as the size.</summary>
    internal void Resize(ulong? group, ByteSize? from, ByteSize? to)
    {
        if (AreEnforced && group is { } number && to is { } size && Get(number) is { } usage)
            SetLimit(number, (ulong)size.Bytes + Pinned(usage, from));
    }

    /// <summary>
    /// Widens a limit around a cut, after which everything that the volume has may be held by the copy. Wide before the cut, as a writer must not
    /// meet the old limit in the moment after it; exact at the end of the scope.
    /// </summary>
    internal IDisposable WidenForCut(ulong? group, ByteSize? size)
    {
        if (!AreEnforced || group is not { } number || size is not { } limit || Get(number) is not { Limit: { } before })
            return Widened.Nothing;
        SetLimit(number, before + (ulong)limit.Bytes);
        return new Widened(() => SetToCharge(number, limit));
    }

    /// <summary>Takes back what a limit was widened by for blocks that snapshots held.</summary>
    /// <param name="group">The volume's group.</param>
    /// <param name="size">The volume's size.</param>
    /// <param name="isAlone">Whether nobody shares blocks with the volume any more.</param>
    internal void Tighten(ulong? group, ByteSize? size, bool isAlone)
    {
        if (!AreEnforced || group is not { } number || size is not { } limit || Get(number) is not { } usage)
            return;
        var wanted = isAlone ? (ulong)limit.Bytes : Math.Min(usage.Limit ?? ulong.MaxValue, usage.Referenced + (ulong)limit.Bytes);
        if (wanted != usage.Limit)
            SetLimit(number, wanted);
    }

    /// <summary>Takes the limit of a deleted volume away.</summary>
    internal void Lift(ulong? group)
    {
        if (AreEnforced && group is { } number && Get(number) is { Limit: not null })
            BtrfsQuota.Limit(_fileSystem, IdOf(number), null);
    }

    /// <summary>What is charged to a group; null where that is unknown.</summary>
    internal ByteSize? ChargeOf(ulong? group) =>
        Look(group)?.Charge;

    /// <summary>What may still be charged to a group; null where that is unknown or unlimited.</summary>
    internal ByteSize? HeadroomOf(ulong? group) =>
        Look(group)?.Headroom;

    /// <summary>Both at once; null where nothing is known.</summary>
    internal (ByteSize Charge, ByteSize? Headroom)? Look(ulong? group)
    {
        if (!AreEnforced || group is not { } number || Get(number) is not { } usage)
            return null;
        return (new ByteSize((long)usage.Referenced), usage.Limit is { } limit ? new ByteSize((long)(limit - Math.Min(limit, usage.Referenced))) : null);
    }

    /// <summary>The groups of ours that there are.</summary>
    internal IReadOnlySet<ulong> List() => BtrfsQuota.List(_fileSystem).Keys
        .Where(group => group.Level == Level && group.Id >> NumberBits << NumberBits == _prefix)
        .Select(group => group.Id)
        .ToHashSet();

    /// <summary>Puts a subvolume that exists into a new group; what it wrote before quotas were on is charged to nobody.</summary>
    internal ulong? Adopt(SafeFileHandle subvolume, ByteSize? size)
    {
        var group = CreateGroup(size);
        if (group is { } number)
            BtrfsQuota.Assign(_fileSystem, new QgroupId(0, Linux.Btrfs.GetSubvolume(subvolume).Id), IdOf(number));
        return group;
    }

    /// <summary>Finds the groups of ours that no record names, at load.</summary>
    internal void AbandonAllBut(IEnumerable<ulong> groups)
    {
        if (!AreEnforced)
            return;
        lock (_gate)
            _abandoned.UnionWith(List().Except(groups));
    }

    /// <summary>The volume of a group is deleted: the group goes when nothing is charged to it any more.</summary>
    internal void Abandon(ulong? group)
    {
        if (!AreEnforced || group is not { } number)
            return;
        lock (_gate)
            _abandoned.Add(number);
    }

    /// <summary>
    /// Removes the abandoned groups to which nothing is charged any more. Blocks that a clone has of a deleted volume stay charged to the
    /// deleted one. The kernel itself refuses to remove the group of a subvolume that lives or that is charged for something.
    /// </summary>
    /// <param name="among">Which ones to try; null: all.</param>
    internal void RemoveAbandoned(IReadOnlySet<ulong>? among = null)
    {
        if (!AreEnforced)
            return;
        List<ulong> candidates;
        lock (_gate)
            candidates = [.. _abandoned.Where(group => among?.Contains(group) ?? true)];

        // Deletes go on meanwhile.
        foreach (var group in candidates)
        {
            foreach (var member in BtrfsQuota.Members(_fileSystem, IdOf(group)))
                BtrfsQuota.TryDestroyGroup(_fileSystem, member);
            if (!BtrfsQuota.TryDestroyGroup(_fileSystem, IdOf(group)) && Get(group) is not null)
                continue;
            lock (_gate)
                _abandoned.Remove(group);
        }
    }

    /// <summary>Removes the group that a subvolume had by itself, which kernels before 6.11 keep.</summary>
    internal void RemoveGroupOf(ulong subvolume)
    {
        if (AreEnforced)
            BtrfsQuota.TryDestroyGroup(_fileSystem, new QgroupId(0, subvolume));
    }

    // Under classic quotas a group and its limit would work too, at a price that nobody wants to pay.
    private string? Prepare(PoolSettings settings)
    {
        if (settings.Image is null && !settings.SimpleQuota)
            return "simple quotas are not configured for this pool (\"quota\": \"simple\"; kernels before 6.7 can't mount the filesystem afterwards)";
        try
        {
            var mode = BtrfsQuota.GetMode(_fileSystem);
            if (mode == BtrfsQuotaMode.None && settings.SimpleQuota)
            {
                BtrfsQuota.EnableSimple(_fileSystem);
                mode = BtrfsQuotaMode.Simple;
            }
            return mode switch
            {
                BtrfsQuotaMode.Simple => null,
                BtrfsQuotaMode.Full => "the filesystem has classic quotas, which are left alone and not used: they make snapshots many times slower",
                _ => "simple quotas are switched off in the filesystem; they need Linux 6.7, and \"quota\": \"simple\" of the pool switches them on",
            };
        }
        catch (LinuxException e)
        {
            return $"simple quotas can't be switched on ({e.Message}); they need Linux 6.7";
        }
    }

    private QgroupUsage? Get(ulong group) => BtrfsQuota.Get(_fileSystem, IdOf(group));

    private void SetLimit(ulong group, ulong bytes) => BtrfsQuota.Limit(_fileSystem, IdOf(group), bytes);

    private void SetToCharge(ulong group, ByteSize size)
    {
        if (Get(group) is { } usage)
            SetLimit(group, usage.Referenced + (ulong)size.Bytes);
    }

    private static QgroupId IdOf(ulong group) => new(Level, group);

    // By how much the limit is wider than the size.
    private static ulong Pinned(QgroupUsage usage, ByteSize? size) =>
        size is { } before && usage.Limit is { } limit ? limit - Math.Min(limit, (ulong)before.Bytes) : usage.Referenced;

    private sealed class Widened(Action end) : IDisposable
    {
        internal static readonly Widened Nothing = new(() => { });

        public void Dispose() => end();
    }
}
