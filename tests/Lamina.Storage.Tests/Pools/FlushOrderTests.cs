using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools;

/// <summary>What comes before a record is flushed before it, where the filesystem does not see to the order by itself.</summary>
public sealed class FlushOrderTests
{
    [Fact]
    public async Task Create_OnExt4WithAJournal_LeavesTheOrderToIt() => Assert.DoesNotContain("syncfs", await CreateOnExt4Async([]));

    [Fact]
    public async Task Create_OnExt4WithoutAJournal_FlushesWhatTheRecordNames()
    {
        var flushes = await CreateOnExt4Async(["-O", "^has_journal"]);

        // The record itself, all that came before, and then the rename that lets it appear.
        Assert.Equal(["fsync", "syncfs", "fsync"], flushes.TakeLast(3));
    }

    private static async Task<IReadOnlyList<string>> CreateOnExt4Async(string[] options)
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, formatOptions: options);
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, disk.NewDirectory("pool"));
        return await FlushCounter.CountAsync(() => pool.CreateAsync("a"));
    }
}
