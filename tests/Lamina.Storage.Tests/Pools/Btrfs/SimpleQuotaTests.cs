using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>Hard limits of volumes, by what the kernel counts and refuses.</summary>
[Collection<BtrfsQuotaCollection>]
public sealed class SimpleQuotaTests(BtrfsQuotaFileSystem fileSystem) : IAsyncLifetime
{
    private static readonly ByteSize Size = ByteSize.FromMebibytes(24);
    private DirectoryScratchPool _pool = null!;

    // Other tests leave theirs: their pools are removed without a daemon.
    private HashSet<QgroupId> _before = [];

    public async ValueTask InitializeAsync()
    {
        ScratchRemoval.WaitForSpace(fileSystem.MountPoint);
        _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"), simpleQuota: true);
        _before = [.. Quotas.All(_pool)];
    }

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Fact]
    public async Task Limit_Reached_IsEdquotAndNothingIsLost()
    {
        var volume = await _pool.CreateAsync("a", Size);

        await _pool.UseAsync(volume, mounted =>
        {
            Quotas.Write(mounted.At("kept"), 12);
            Quotas.AssertExceeds(() => Quotas.Write(mounted.At("more"), 24, seed: 2));
            Assert.True(Quotas.IsWhole(mounted.At("kept"), 12));
            File.Delete(mounted.At("more"));
        });
        await _pool.ReopenAsync();

        Assert.InRange(Quotas.Of(_pool, volume).Referenced, 12UL << 20, (ulong)Size.Bytes);
        await _pool.UseAsync(volume, mounted =>
        {
            Assert.True(Quotas.IsWhole(mounted.At("kept"), 12));
            Quotas.Write(mounted.At("after"), 8);
        });
    }

    [Fact]
    public async Task Limit_OfOneVolume_IsNobodyElses()
    {
        var (full, other) = (await _pool.CreateAsync("full", Size), await _pool.CreateAsync("other", Size));
        await _pool.UseAsync(full, mounted => Quotas.AssertExceeds(() => Quotas.Write(mounted.At("file"), 32)));

        await _pool.UseAsync(other, mounted => Quotas.Write(mounted.At("file"), 16));
        await _pool.CreateAsync("third", Size);
    }

    [Fact]
    public async Task Limit_WithSubvolumesInside_IsThatOfAllTogether()
    {
        var volume = await _pool.CreateAsync("a", Size);

        await _pool.UseAsync(volume, mounted =>
        {
            using (var root = Files.OpenDirectory(mounted.Path))
                Linux.Btrfs.CreateSubvolume(root, "inner");
            using (var inner = Files.OpenDirectory(mounted.At("inner")))
                Linux.Btrfs.CreateSubvolume(inner, "innermost");
            Quotas.Write(mounted.At("file"), 8);
            Quotas.Write(mounted.At("inner/file"), 8);

            Quotas.AssertExceeds(() => Quotas.Write(mounted.At("inner/innermost/file"), 12, seed: 2));
            Assert.True(Quotas.IsWhole(mounted.At("inner/file"), 8));
        });

        // At its limit there would be no room to take the inner ones out.
        await _pool.Pool.DeleteVolumeAsync(volume);
        await Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(_pool.Directory, "trash")).Any(), "the trash is empty");
        await Eventually.TrueAsync(() => !NewGroups().Any(), "no quota group is left");
    }

    [Fact]
    public async Task Rewrite_AfterEachOfSeveralSnapshots_SucceedsAndLosesNoSnapshot()
    {
        var volume = await _pool.CreateAsync("a", Size);
        var snapshots = new List<Snapshot>();
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20, seed: 0));

        for (var cut = 0; cut < 3; cut++)
        {
            snapshots.Add(await _pool.SnapshotAsync(volume, $"s{cut}"));
            await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20, seed: cut + 1));
        }

        await _pool.UseAsync(volume, mounted => Assert.True(Quotas.IsWhole(mounted.At("file"), 20, seed: 3)));
        for (var cut = 0; cut < 3; cut++)
        {
            var copy = await _pool.RestoreAsync(snapshots[cut], $"copy{cut}");
            await _pool.UseAsync(copy, mounted => Assert.True(Quotas.IsWhole(mounted.At("file"), 20, seed: cut)));
        }
    }

    [Fact]
    public async Task Rewrite_WhileAttachedAndCut_NeverMeetsALimit()
    {
        // What is dirty when the cut begins is charged after it: the limit must hold that too. The file fits twice, as without any snapshot an extent
        // stays charged until all of it is written again.
        var volume = await _pool.CreateAsync("a", Size);
        var mounted = await _pool.AttachAsync(volume);
        Quotas.Write(mounted.At("file"), 10);
        var rewritten = 0;
        using var writing = new CancellationTokenSource();
        var writer = Task.Run(() =>
        {
            for (var seed = 2; !writing.IsCancellationRequested; seed++)
            {
                Quotas.Write(mounted.At("file"), 10, seed);
                Interlocked.Increment(ref rewritten);
            }
        });

        for (var cut = 0; cut < 4 && !writer.IsCompleted; cut++)
        {
            var snapshot = await _pool.SnapshotAsync(volume, $"s{cut}");
            // The second one from now began after the cut, and the third over blocks that no snapshot holds.
            var enough = Volatile.Read(ref rewritten) + 3;
            await Eventually.TrueAsync(() => writer.IsCompleted || Volatile.Read(ref rewritten) >= enough, "the file is written again after the cut");
            await _pool.Pool.DeleteSnapshotAsync(snapshot);
        }

        await writing.CancelAsync();
        await writer;
        await _pool.DetachAsync(volume);
    }

    [Fact]
    public async Task Limit_WhenSnapshotsGo_IsTheSizeAgain()
    {
        var volume = await _pool.CreateAsync("a", Size);
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20));
        Assert.Equal((ulong)Size.Bytes, Quotas.Of(_pool, volume).Limit);
        var (first, second) = (await _pool.SnapshotAsync(volume, "first"), await _pool.SnapshotAsync(volume, "second"));
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20, seed: 2));
        Assert.True(Quotas.Of(_pool, volume).Limit >= (ulong)Size.Bytes + (20UL << 20));

        await _pool.Pool.DeleteSnapshotAsync(first);
        await _pool.Pool.DeleteSnapshotAsync(second);

        await Eventually.TrueAsync(() => Quotas.Of(_pool, volume).Limit == (ulong)Size.Bytes, "the limit is the size again");
        await _pool.UseAsync(volume, mounted =>
        {
            Assert.True(Quotas.IsWhole(mounted.At("file"), 20, seed: 2));
            Quotas.AssertExceeds(() => Quotas.Write(mounted.At("more"), 8));
        });
    }

    [Fact]
    public async Task Limit_WhenASnapshotWentAndTheDaemonToo_IsTheSizeAgainAfterTheNextLoad()
    {
        var volume = await _pool.CreateAsync("a", Size);
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20));
        var snapshot = await _pool.SnapshotAsync(volume, "s");
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20, seed: 2));
        await _pool.Pool.DeleteSnapshotAsync(snapshot);

        await _pool.ReopenAsync();

        await Eventually.TrueAsync(() => Quotas.Of(_pool, volume).Limit == (ulong)Size.Bytes, "the limit is the size again");
    }

    [Fact]
    public async Task Resize_OfAVolumeWithSnapshots_AddsToTheLimit()
    {
        var volume = await _pool.CreateAsync("a", Size);
        await _pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 20));
        await _pool.SnapshotAsync(volume, "s");
        var before = Quotas.Of(_pool, volume).Limit;

        await _pool.Pool.ResizeVolumeAsync(volume with { Size = ByteSize.FromMebibytes(40) });

        Assert.Equal(before + (16UL << 20), Quotas.Of(_pool, volume).Limit);
        await _pool.UseAsync(volume, mounted =>
        {
            Quotas.Write(mounted.At("file"), 20, seed: 2);
            Quotas.Write(mounted.At("more"), 14);
        });
    }

    [Fact]
    public async Task Groups_AfterDeletes_AreAllGone()
    {
        var volume = await _pool.CreateAsync("a", Size);
        await _pool.UseAsync(volume, mounted =>
        {
            using var root = Files.OpenDirectory(mounted.Path);
            Linux.Btrfs.CreateSubvolume(root, "inner");
            Quotas.Write(mounted.At("inner/file"), 4);
            Linux.Btrfs.DestroySubvolume(root, "inner");
            Quotas.Write(mounted.At("file"), 4);
        });
        var snapshot = await _pool.SnapshotAsync(volume, "s");
        var copy = await _pool.RestoreAsync(snapshot, "copy");
        var clone = await _pool.CloneAsync(copy, "clone");
        await _pool.UseAsync(copy, mounted => Quotas.Write(mounted.At("file"), 4, seed: 2));

        // The source of all blocks first: they stay charged to it until the last of the others goes.
        await _pool.Pool.DeleteVolumeAsync(volume);
        await _pool.Pool.DeleteSnapshotAsync(snapshot);
        await _pool.Pool.DeleteVolumeAsync(copy);
        await _pool.UseAsync(clone, mounted => Assert.True(Quotas.IsWhole(mounted.At("file"), 4)));
        await _pool.Pool.DeleteVolumeAsync(clone);

        await Eventually.TrueAsync(() => !NewGroups().Any(), "no quota group is left");
    }

    [Fact]
    public async Task Groups_OfCreatesThatWereRefused_AreGone()
    {
        var volume = await _pool.CreateAsync("a", Size);
        await Assert.ThrowsAsync<StorageException>(() => _pool.CreateAsync("a", Size));
        var refused = _pool.NewVolume("b", Size) with { Parameters = VolumeParameters.None with { Compression = "zstd", CopyOnWrite = false } };
        await Assert.ThrowsAsync<StorageException>(() => _pool.CreateAsync(refused, new VolumeContent.Empty()));

        await Eventually.TrueAsync(
            () => NewGroups().Where(group => group.Level == 1).SequenceEqual([Quotas.GroupOf(_pool, volume)!.Value]), "the volume's own group is the only one");
    }

    [Fact]
    public async Task Groups_OfAKilledDaemon_AreGoneAfterTheNextLoad()
    {
        var volume = await _pool.CreateAsync("a", Size);
        var own = Quotas.GroupOf(_pool, volume)!.Value;
        await _pool.CloseAsync();
        using (var root = Files.OpenDirectory(_pool.Directory))
            BtrfsQuota.CreateGroup(root, own with { Id = own.Id ^ 1 });

        await _pool.OpenAsync();

        Assert.DoesNotContain(own with { Id = own.Id ^ 1 }, Quotas.All(_pool));
        Assert.Contains(own, Quotas.All(_pool));
    }

    [Fact]
    public async Task Groups_OfOthersOnTheFilesystem_AreLeftAlone()
    {
        var foreign = new QgroupId(1, 77);
        BtrfsQuota.CreateGroup(fileSystem.Root, foreign);
        try
        {
            var volume = await _pool.CreateAsync("a", Size);
            await _pool.Pool.DeleteVolumeAsync(volume);
            await _pool.ReopenAsync();
            await Eventually.TrueAsync(() => NewGroups().All(group => group == foreign), "our own group is gone");

            Assert.Contains(foreign, Quotas.All(_pool));
        }
        finally
        {
            BtrfsQuota.TryDestroyGroup(fileSystem.Root, foreign);
        }
    }

    private IEnumerable<QgroupId> NewGroups() => Quotas.All(_pool).Except(_before);
}
