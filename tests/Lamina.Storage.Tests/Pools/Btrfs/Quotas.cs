using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>What the kernel says of the quota groups of a pool's volumes, and files of a certain length in them.</summary>
internal static class Quotas
{
    internal const long MiB = 1 << 20;

    /// <summary>The group that a volume's record names; null when it names none.</summary>
    internal static QgroupId? GroupOf(ScratchPool pool, Volume volume) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(pool.Directory!, "volumes", volume.Id.Key.ToString(), "record.json")))!["group"] is { } group
            ? new QgroupId(1, (ulong)group)
            : null;

    /// <summary>What is charged to a volume's group and what may be, after a commit.</summary>
    internal static QgroupUsage Of(ScratchPool pool, Volume volume)
    {
        using var root = Files.OpenDirectory(pool.Directory!);
        Linux.Btrfs.CommitTransaction(root);
        return BtrfsQuota.Get(root, GroupOf(pool, volume)!.Value)!.Value;
    }

    /// <summary>Every group of the filesystem but that of its root.</summary>
    internal static IEnumerable<QgroupId> All(ScratchPool pool)
    {
        using var root = Files.OpenDirectory(pool.Directory!);
        Linux.Btrfs.CommitTransaction(root);
        return BtrfsQuota.List(root).Keys.Where(group => group != new QgroupId(0, 5)).ToList();
    }

    /// <summary>Writes bytes that nothing can compress, in place where there are some, and makes the disk have them.</summary>
    internal static void Write(string path, long mebibytes, int seed = 1)
    {
        var random = new Random(seed);
        var block = new byte[MiB];
        using var file = Files.Open(path, OpenFlags.WriteOnly | OpenFlags.Create, 0x1A4);
        for (var i = 0; i < mebibytes; i++)
        {
            random.NextBytes(block);
            Files.WriteAll(file, i * MiB, block);
        }
        Files.Flush(file);
    }

    /// <summary>Whether a file holds what <see cref="Write"/> wrote, as many mebibytes of it as it is long.</summary>
    internal static bool IsWhole(string path, long mebibytes, int seed = 1)
    {
        var random = new Random(seed);
        var (expected, actual) = (new byte[MiB], new byte[MiB]);
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        for (var i = 0; i < mebibytes; i++)
        {
            random.NextBytes(expected);
            if (Files.Read(file, i * MiB, actual) != MiB || !expected.AsSpan().SequenceEqual(actual))
                return false;
        }
        return Files.Stat(file).Size == mebibytes * MiB;
    }

    /// <summary>Asserts that a write ends with EDQUOT: the volume's limit, and not the disk's.</summary>
    internal static void AssertExceeds(Action write) => Assert.Equal(Errno.EDQUOT, Assert.Throws<LinuxException>(write).Errno);
}
