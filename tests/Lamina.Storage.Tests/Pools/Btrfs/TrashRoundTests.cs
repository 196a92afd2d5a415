using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>What the trash costs does not grow with the square of what is in it.</summary>
[Collection<BtrfsQuotaCollection>]
public sealed class TrashRoundTests(BtrfsQuotaFileSystem fileSystem)
{
    private const int Entries = 60;

    [Fact]
    public async Task Trash_OfManyVolumes_IsEmptiedWithACommitForEachRoundAndNotForEachVolume()
    {
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"), simpleQuota: true);
        for (var i = 0; i < Entries; i++)
            await pool.CreateAsync($"v{i:d3}");
        await pool.CloseAsync();
        foreach (var volume in Directory.EnumerateDirectories(Path.Combine(pool.Directory, "volumes")).ToList())
            Directory.Move(volume, Path.Combine(pool.Directory, "trash", Path.GetFileName(volume) + ".abcdefghijklm"));

        // What runs behind the scenes is no part of the call that has begun it.
        var flushes = await FlushCounter.CountAllAsync(async () =>
        {
            await pool.OpenAsync();
            await Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(pool.Directory, "trash")).Any(), "the trash is empty");
        });

        var commits = flushes.Count(flush => flush == "commit");
        Assert.True(commits is >= 1 and < Entries / 2, $"{commits} commits for {Entries} volumes");
    }
}
