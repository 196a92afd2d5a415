using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>Subvolumes that users make inside a volume, which anybody may, and mounts of them past us.</summary>
[Collection<BtrfsCollection>]
public sealed class NestedSubvolumeTests(BtrfsFileSystem fileSystem) : IAsyncLifetime
{
    private DirectoryScratchPool _pool = null!;

    public async ValueTask InitializeAsync() => _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"));

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Fact]
    public async Task SnapshotAndClone_WithSubvolumesInside_AreRefusedWithTheirNames()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted => Nest(mounted, "docker", "docker/inner layer", "var"));

        foreach (var copy in (Func<Task>[])[() => _pool.SnapshotAsync(volume, "s"), () => _pool.CloneAsync(volume, "b")])
        {
            var refused = await Assert.ThrowsAsync<StorageException>(copy);
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.All(["'docker'", "'docker/inner layer'", "'var'", "btrfs subvolume delete"], part => Assert.Contains(part, refused.Message, StringComparison.Ordinal));
        }
        await AssertHoldsAsync("volumes", "a");
        await AssertHoldsAsync("snapshots");
    }

    [Fact]
    public async Task Snapshot_WithManySubvolumesInside_NamesSomeOfThem()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted => Nest(mounted, [.. Enumerable.Range(0, 40).Select(i => $"sub{i:d2}")]));

        var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.SnapshotAsync(volume, "s"));

        Assert.Contains("'sub04', …", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sub05", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Snapshot_WhenTheSubvolumesAreGone_IsCut()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted =>
        {
            Nest(mounted, "inner");
            File.WriteAllText(mounted.At("file"), "kept");
            using var root = Files.OpenDirectory(mounted.Path);
            Linux.Btrfs.DestroySubvolume(root, "inner");
        });

        var copy = await _pool.RestoreAsync(await _pool.SnapshotAsync(volume, "s"), "b");

        Assert.Equal("kept", await _pool.ReadAsync(copy, "file"));
    }

    [Fact]
    public async Task Snapshot_WithReadOnlySubvolumesInside_IsRefusedToo()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted => SnapshotInside(mounted, "backup"));

        var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.SnapshotAsync(volume, "s"));

        Assert.Contains("'backup'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_WithSubvolumesSeveralLevelsDeep_IsReclaimed()
    {
        var volume = await _pool.CreateAsync("a");
        var other = await _pool.CreateAsync("b");
        await _pool.WriteAsync(other, "file", "kept");
        IReadOnlyList<ulong> ids = [];
        await _pool.UseAsync(volume, mounted =>
        {
            Nest(mounted, "one", "one/two", "one/two/three", "one/two/three/four", "side");
            Directory.CreateDirectory(mounted.At("plain/deep"));
            Nest(mounted, "plain/deep/five");
            File.WriteAllText(mounted.At("one/two/three/four/file"), "gone");
            SnapshotInside(mounted, "read-only");
            using (var four = Files.OpenDirectory(mounted.At("one/two/three/four")))
                Linux.Btrfs.SetReadOnly(four, true);
            using (var one = Files.OpenDirectory(mounted.At("one")))
                Linux.Btrfs.SetReadOnly(one, true);
            using var root = Files.OpenDirectory(mounted.Path);
            ids = [Linux.Btrfs.GetSubvolume(root).Id, .. Linux.Btrfs.NestedSubvolumeIds(root)];
        });
        Assert.Equal(8, ids.Count);

        await _pool.Pool.DeleteVolumeAsync(volume);

        await TrashIsEmptyAsync();
        Assert.All(ids, id => Assert.True(Linux.Btrfs.IsDropped(fileSystem.Root, id), $"subvolume {id} is dropped"));
        Assert.Equal("kept", await _pool.ReadAsync(other, "file"));
    }

    [Fact]
    public async Task Delete_WithSubvolumesDeeperThanAnyPath_IsReclaimed()
    {
        var volume = await _pool.CreateAsync("a");
        IReadOnlyList<ulong> ids = [];
        await _pool.UseAsync(volume, mounted =>
        {
            ids = NestDeep(mounted);
            Assert.Equal(3, ids.Count);
        });

        foreach (var copy in (Func<Task>[])[() => _pool.SnapshotAsync(volume, "s"), () => _pool.CloneAsync(volume, "b")])
        {
            var refused = await Assert.ThrowsAsync<StorageException>(copy);
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.Contains("'…/inner'", refused.Message, StringComparison.Ordinal);
        }

        await _pool.Pool.DeleteVolumeAsync(volume);

        await TrashIsEmptyAsync();
        Assert.All(ids, id => Assert.True(Linux.Btrfs.IsDropped(fileSystem.Root, id), $"subvolume {id} is dropped"));
    }

    [Fact]
    public async Task Delete_WithSubvolumesInsideAndAKilledDaemon_IsReclaimedByTheNext()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted => Nest(mounted, "one", "one/two"));
        await _pool.CloseAsync();
        // As a daemon leaves it that is killed after the rename into the trash.
        Directory.Move(Path.Combine(_pool.Directory, "volumes", "a"), Path.Combine(_pool.Directory, "trash", "a.xyz"));

        await _pool.OpenAsync();

        await TrashIsEmptyAsync();
    }

    [Theory]
    [InlineData("data")]
    [InlineData("data/inner")]
    public async Task Delete_WithASubvolumeMountedSeparately_IsRefusedAndHarmless(string subvolume)
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted =>
        {
            Nest(mounted, "inner");
            File.WriteAllText(mounted.At("inner/file"), "kept");
        });
        var elsewhere = TestScratch.NewDirectory("elsewhere");
        var path = Path.Combine(Path.GetRelativePath(fileSystem.MountPoint, _pool.Directory), "volumes/a", subvolume);
        using (var mount = Mounts.CreateFileSystem("btrfs", fileSystem.Disk.DevicePath, [new("subvol", path)], MountAttributes.None))
            Mounts.Attach(mount, elsewhere);
        try
        {
            var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.Pool.DeleteVolumeAsync(volume));
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.Contains($"at {elsewhere}", refused.Message, StringComparison.Ordinal);
            Assert.Equal("kept", File.ReadAllText(Path.Combine(elsewhere, subvolume == "data" ? "inner/file" : "file")));
        }
        finally
        {
            MountCleanup.UnmountBeneath(elsewhere);
        }

        await _pool.Pool.DeleteVolumeAsync(volume);
        await TrashIsEmptyAsync();
    }

    [Fact]
    public async Task Trash_MountedSince_StaysUntilItIsNot()
    {
        var (volume, next) = (await _pool.CreateAsync("a"), await _pool.CreateAsync("b"));
        await _pool.WriteAsync(volume, "file", "kept");
        await _pool.CloseAsync();
        var trashed = Path.Combine(_pool.Directory, "trash", "a.xyz");
        Directory.Move(Path.Combine(_pool.Directory, "volumes", "a"), trashed);
        var elsewhere = TestScratch.NewDirectory("elsewhere");
        var path = Path.GetRelativePath(fileSystem.MountPoint, Path.Combine(trashed, "data"));
        using (var mount = Mounts.CreateFileSystem("btrfs", fileSystem.Disk.DevicePath, [new("subvol", path)], MountAttributes.None))
            Mounts.Attach(mount, elsewhere);
        try
        {
            await _pool.OpenAsync();
            // The entry behind it shows that the reclaimer has been there.
            await _pool.Pool.DeleteVolumeAsync(next);
            await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Combine(_pool.Directory, "trash")).SequenceEqual([trashed]), "the other entry is gone");

            Assert.Equal("kept", File.ReadAllText(Path.Combine(elsewhere, "file")));
        }
        finally
        {
            MountCleanup.UnmountBeneath(elsewhere);
        }
        await _pool.ReopenAsync();
        await TrashIsEmptyAsync();
    }

    private static void Nest(MountedVolume mounted, params string[] paths)
    {
        foreach (var path in paths)
        {
            using var parent = Files.OpenDirectory(Path.GetDirectoryName(mounted.At(path))!);
            Linux.Btrfs.CreateSubvolume(parent, Path.GetFileName(path));
        }
    }

    // Step by step, as anybody can who changes into each directory: 5,000 bytes of directories within one subvolume, and as much again within that.
    private static IReadOnlyList<ulong> NestDeep(MountedVolume mounted)
    {
        using var root = Files.OpenDirectory(mounted.Path);
        var outer = root;
        for (var level = 0; level < 2; level++)
        {
            using var deep = Descend(outer);
            Linux.Btrfs.CreateSubvolume(deep, "inner");
            if (level > 0)
                outer.Dispose();
            outer = Files.OpenDirectoryAt(deep, "inner");
        }
        Linux.Btrfs.CreateSubvolume(outer, "last");
        // Nothing can be taken out of it as long as it is so.
        Linux.Btrfs.SetReadOnly(outer, true);
        outer.Dispose();
        return Linux.Btrfs.NestedSubvolumeIds(root);
    }

    private static SafeFileHandle Descend(SafeFileHandle from)
    {
        var name = new string('d', 250);
        var at = Files.OpenDirectoryAt(from, ".");
        for (var depth = 0; depth < 20; depth++)
        {
            Files.MakeDirectory(at, name, 0x1ED);
            var next = Files.OpenDirectoryAt(at, name);
            at.Dispose();
            at = next;
        }
        return at;
    }

    private static void SnapshotInside(MountedVolume mounted, string name)
    {
        using var root = Files.OpenDirectory(mounted.Path);
        Linux.Btrfs.CreateSnapshot(root, name, root, readOnly: true);
    }

    private Task TrashIsEmptyAsync() =>
        Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(_pool.Directory, "trash")).Any(), "the trash is empty");

    private async Task AssertHoldsAsync(string kind, params string[] names)
    {
        Assert.Equal(names, Directory.GetFileSystemEntries(Path.Combine(_pool.Directory, kind)).Select(Path.GetFileName));
        await TrashIsEmptyAsync();
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_pool.Directory, "incoming")));
    }
}
