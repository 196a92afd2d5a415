using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Images;
using Lamina.Storage.Tests.Pools.Overlay;
using Lamina.Testing;
using Lamina.Testing.Pools;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pools.Images;

/// <summary>What image volumes promise beyond what every pool does, on a filesystem that shares blocks and on one that does not.</summary>
[Collection<XfsCollection>]
public sealed class ImagePoolTests(XfsFileSystem xfs) : IAsyncLifetime
{
    private DirectoryScratchPool _pool = null!;

    public static TheoryData<VolumeFileSystem> FileSystems => [VolumeFileSystem.Ext4, VolumeFileSystem.Xfs, VolumeFileSystem.Btrfs];

    public async ValueTask InitializeAsync() => _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, xfs.NewDirectory("pool"));

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task Cut_WhileSomebodyWrites_IsOneMoment(VolumeFileSystem fileSystem)
    {
        var volume = await CreateAsync(_pool, "a", fileSystem);
        var mounted = await _pool.AttachAsync(volume);
        using var writer = await WorkloadProcess.StartAsync("numbers", mounted.Path);
        for (var i = 0; i < 5; i++)
        {
            var before = Numbers.Read(mounted.Path);
            var snapshot = await _pool.SnapshotAsync(volume, $"s{i}");
            var after = Numbers.Read(mounted.Path);
            var restored = await _pool.RestoreAsync(snapshot, $"r{i}");

            await _pool.UseAsync(restored, copy =>
            {
                var numbers = Numbers.Read(copy.Path);
                Assert.True(numbers.IsOneMoment, numbers.ToString());
                Assert.InRange(numbers.A, before.A, after.A);
            });

            Assert.InRange(snapshot.Pause!.Value, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(2));
            await _pool.Pool.DeleteVolumeAsync(restored);
        }
        await writer.EndAsync();
    }

    [Fact]
    public async Task Cut_WhereNobodyMayBeStopped_IsRefusedWhileSomebodyWrites()
    {
        await _pool.CloseAsync();
        await using var pool = _pool.OpenAnother(_pool.Settings with { PauseWriters = false });
        await pool.LoadAsync(CancellationToken.None);
        var volume = NewVolume(pool, "a", VolumeFileSystem.Ext4);
        await pool.CreateVolumeAsync(volume, new VolumeContent.Empty());
        using var mounted = MountedVolume.Mount(await pool.AttachAsync(volume));
        using (var writer = await WorkloadProcess.StartAsync("numbers", mounted.Path))
        {
            var refused = await Assert.ThrowsAsync<StorageException>(() => SnapshotAsync(pool, volume, mounted));
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            await writer.EndAsync();
        }

        Assert.NotNull((await SnapshotAsync(pool, volume, mounted)).Pause);
    }

    private async Task<Snapshot> SnapshotAsync(IPool pool, Volume volume, MountedVolume mounted)
    {
        var record = new Snapshot
        {
            Id = new SnapshotId(volume.Id.Pool, ObjectKey.FromName("s")),
            Name = "s",
            SourceVolume = volume.Id,
            FileSystem = volume.FileSystem,
            Size = volume.Size,
            Door = Door.Cli,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        await using var cut = await pool.BeginSnapshotAsync(record, new VolumeInUse(volume, mounted.Path));
        return await cut.PublishAsync(await _pool.Cuts.RunAsync([cut]));
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task MountedElsewhere_IsKeptAndIsTheSameWhenAttachedAgain(VolumeFileSystem fileSystem)
    {
        var volume = await CreateAsync(_pool, "a", fileSystem);
        var mounted = await _pool.AttachAsync(volume);
        using (OtherMountNamespace.Hold(mounted.Path))
        {
            File.WriteAllText(mounted.At("file"), "content");
            await _pool.DetachAsync(volume);

            var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.Pool.DeleteVolumeAsync(volume));
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            // Not flushed by anybody, and cut all the same.
            var restored = await _pool.RestoreAsync(await _pool.SnapshotAsync(volume, "s"), "r");
            Assert.Equal("content", await _pool.ReadAsync(restored, "file"));
            Assert.Equal("content", await _pool.ReadAsync(volume, "file"));
            Assert.Single(Loops(volume));
            // The daemon may start again meanwhile: what others use is not taken from them.
            await _pool.ReopenAsync();
            Assert.Single(Loops(volume));
        }
        await Eventually.TrueAsync(() => Loops(volume).Count == 0, "the device is gone");
        await _pool.Pool.DeleteVolumeAsync(volume);
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task Copy_OfAFileSystemWithUnfinishedBusiness_HasWhatWasFlushed(VolumeFileSystem fileSystem)
    {
        var volume = await CreateAsync(_pool, "a", fileSystem);
        var mounted = await _pool.AttachAsync(volume);
        using (var file = Files.Open(mounted.At("file"), OpenFlags.WriteOnly | OpenFlags.Create, 0x180))
        {
            Files.FlushFileSystem(file);
            // In the filesystem's log, and nowhere else yet.
            Files.WriteAll(file, 0, "flushed"u8);
            Files.Flush(file);
        }
        var image = TestImage(volume);
        var copy = image + ".copy";
        using (var source = Files.Open(image, OpenFlags.ReadOnly))
        using (var target = Files.Open(copy, OpenFlags.ReadWrite | OpenFlags.Create, 0x180))
            Assert.True(Files.TryReflink(source, target));

        await ImageTools.RenewAsync(fileSystem, copy);

        using (var other = MountedVolume.Mount(new MountDescription.Image(Path.GetDirectoryName(copy)!, Path.GetFileName(copy), fileSystem, volume.Size!.Value)))
            Assert.Equal("flushed", File.ReadAllText(other.At("file")));
        await Eventually.TrueAsync(() => LoopDevice.List().All(loop => loop.BackingFile != copy), "the device is gone");
        File.Delete(copy);
    }

    [Fact]
    public async Task Copy_WhereNothingIsShared_KeepsHolesAndObeysTheLimit()
    {
        await using var pool = await DirectoryScratchPool.CreateAsync(
            DirectoryScratchPool.SettingsOf(PoolBackend.Overlay2, TestScratch.NewDirectory("pool")) with { MaxCopySize = ByteSize.FromMebibytes(8) });
        var volume = await CreateAsync(pool, "a", null);
        await WriteAsync(pool, volume, 100, 4);
        var operations = new OperationRunner(new KeyedLocks(), NullLogger<OperationRunner>.Instance);
        RunningOperation running = null!;
        var clone = await operations.RunAsync("clone", [LockKey.Volume(volume.Id.Key)], () =>
        {
            running = Assert.Single(operations.Find(LockKey.Volume(volume.Id.Key)));
            return pool.CloneAsync(volume, "b");
        }, CancellationToken.None);
        Assert.Equal((4 << 20, 4 << 20), (running.Progress!.Value.Done.Bytes, running.Progress.Value.Total.Bytes));
        Assert.InRange(pool.Pool.GetUsage(clone)!.Used.Bytes, 4 << 20, 5 << 20);
        await WriteAsync(pool, volume, 10, 6);

        var refused = await Assert.ThrowsAsync<StorageException>(() => pool.CloneAsync(volume, "c"));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("maxCopySize", refused.Message, StringComparison.Ordinal);
        AssertNothingIncoming(pool);
    }

    // What is copied takes the room of all others in the pool.
    [Fact]
    public async Task Copy_WhereNothingIsSharedAndTooLittleIsFree_IsRefused()
    {
        await using var pool = await DirectoryScratchPool.CreateAsync(
            DirectoryScratchPool.SettingsOf(PoolBackend.Overlay2, TestScratch.NewDirectory("pool")) with { MinFree = new ByteSize(1L << 60) });
        var volume = await CreateAsync(pool, "a", null);
        await WriteAsync(pool, volume, 0, 1);

        var refused = await Assert.ThrowsAsync<StorageException>(() => pool.CloneAsync(volume, "b"));

        Assert.Equal(StorageError.ResourceExhausted, refused.Error);
        AssertNothingIncoming(pool);
    }

    [Fact]
    public async Task Size_LargerThanAFileCanBeThere_IsOutOfRange()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, disk.NewDirectory("pool"));
        var volume = await CreateAsync(pool, "a", null);
        var tooLarge = new ByteSize(1L << 53);

        var made = await Assert.ThrowsAsync<StorageException>(() => pool.Pool.CreateVolumeAsync(NewVolume(pool.Pool, "b", null) with { Size = tooLarge }, new VolumeContent.Empty()));
        var grown = await Assert.ThrowsAsync<StorageException>(() => pool.Pool.ResizeVolumeAsync(volume with { Size = tooLarge }));
        Assert.Equal((StorageError.OutOfRange, StorageError.OutOfRange), (made.Error, grown.Error));
        AssertNothingIncoming(pool);
        Assert.Equal(volume, Assert.Single((await pool.ReopenAsync()).Volumes));
    }

    [Fact]
    public async Task Create_WhenTheToolFails_LeavesNothing()
    {
        var volume = NewVolume(_pool.Pool, "a", VolumeFileSystem.Xfs) with { Size = ByteSize.FromMebibytes(16) };

        var failed = await Assert.ThrowsAsync<StorageException>(() => _pool.Pool.CreateVolumeAsync(volume, new VolumeContent.Empty()));

        Assert.Contains("mkfs.xfs", failed.Message, StringComparison.Ordinal);
        AssertNothingIncoming(_pool);
        Assert.Empty((await _pool.ReopenAsync()).Volumes);
    }

    [Fact]
    public async Task Restore_OfADamagedFileSystem_IsRefused()
    {
        var volume = await CreateAsync(_pool, "a", VolumeFileSystem.Ext4);
        var snapshot = await _pool.SnapshotAsync(volume, "s");
        using (var image = Files.Open(Path.Combine(_pool.Directory, "image-snapshots", snapshot.Id.Key.ToString(), "image"), OpenFlags.ReadWrite))
            Files.WriteAll(image, 4096, new byte[1 << 20]);

        var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.RestoreAsync(snapshot, "b"));

        Assert.Equal(StorageError.DataLoss, refused.Error);
        AssertNothingIncoming(_pool);
    }

    [Fact]
    public async Task Pool_FromBeforeThereWereImages_GetsThem()
    {
        await _pool.CloseAsync();
        Directory.Delete(Path.Combine(_pool.Directory, "image-volumes"));
        Directory.Delete(Path.Combine(_pool.Directory, "image-snapshots"));

        await _pool.OpenAsync();

        await CreateAsync(_pool, "a", null);
    }

    private static async Task<Volume> CreateAsync(DirectoryScratchPool pool, string name, VolumeFileSystem? fileSystem)
    {
        var volume = NewVolume(pool.Pool, name, fileSystem);
        await pool.Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());
        return volume;
    }

    private static Volume NewVolume(IPool pool, string name, VolumeFileSystem? fileSystem) => new()
    {
        Id = new VolumeId(pool.Description.Id, ObjectKey.FromName(name)),
        Name = name,
        Kind = fileSystem is null ? VolumeKind.Block : VolumeKind.Filesystem,
        FileSystem = fileSystem,
        Size = ByteSize.FromMebibytes(320),
        Door = Door.Cli,
        CreatedAt = TimeProvider.System.GetUtcNow(),
    };

    private static async Task WriteAsync(DirectoryScratchPool pool, Volume volume, int atMebibyte, int mebibytes)
    {
        var mounted = await pool.AttachAsync(volume);
        using (var device = Files.Open(mounted.Path, OpenFlags.WriteOnly))
        {
            var content = new byte[mebibytes << 20];
            new Random(1).NextBytes(content);
            Files.WriteAll(device, (long)atMebibyte << 20, content);
        }
        await pool.DetachAsync(volume);
    }

    private string TestImage(Volume volume) => Path.Combine(_pool.Directory, "image-volumes", volume.Id.Key.ToString(), "image");

    private List<LoopStatus> Loops(Volume volume) => [.. LoopDevice.List().Where(loop => loop.BackingFile == TestImage(volume))];

    private static void AssertNothingIncoming(DirectoryScratchPool pool) => Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(pool.Directory, "incoming")));
}
