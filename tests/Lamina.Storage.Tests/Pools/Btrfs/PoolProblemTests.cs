using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>What a pool says when what it lies on is unwell. Each test has a disk of its own, which it ruins.</summary>
public sealed class PoolProblemTests
{
    [Fact]
    public async Task Problems_WhenAllIsWell_AreNone()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, disk.NewDirectory("pool"));

        Assert.Empty(pool.Pool.FindProblems());
    }

    [Fact]
    public async Task Problems_WhenADiskAnsweredWithWrongData_NameIt()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, disk.NewDirectory("pool"));
        var volume = await pool.CreateAsync("a");
        var pattern = "never to be found by chance: 4d0a91c7"u8.ToArray();
        await pool.UseAsync(volume, mounted => WriteRepeated(mounted.At("file"), pattern));
        await pool.CloseAsync();
        disk.Unmount();
        Spoil(disk.ImagePath, pattern);
        disk.Mount();
        await pool.OpenAsync();

        await pool.UseAsync(volume, mounted => Assert.ThrowsAny<IOException>(() => File.ReadAllBytes(mounted.At("file"))));

        var problem = Assert.Single(pool.Pool.FindProblems());
        Assert.Contains($"{disk.DevicePath} has failed (wrong checksums: ", problem, StringComparison.Ordinal);
        Assert.Contains($"btrfs scrub start {pool.Directory}", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problems_WhenADiskIsMissing_AreThatItIsDegraded()
    {
        var mountPoint = TestScratch.NewDirectory("mirror");
        string[] images = [NewImage("one"), NewImage("two")];
        try
        {
            using var one = Attach(images[0]);
            using (var two = Attach(images[1]))
            {
                await RunAsync("mkfs.btrfs", "-q", "-f", "-d", "raid1", "-m", "raid1", one.Path, two.Path);
                // The kernel remembers which devices belong together.
                await RunAsync("btrfs", "device", "scan", "--forget", two.Path);
            }
            MountCleanup.WaitForLoopDevices(images[1]);
            File.Delete(images[1]);
            using (var mount = Mounts.CreateFileSystem("btrfs", one.Path, [new("degraded", null)], MountAttributes.None))
                Mounts.Attach(mount, mountPoint);

            await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, Path.Combine(mountPoint, "pool"));

            Assert.Contains("is degraded: its device 2 is missing", Assert.Single(pool.Pool.FindProblems()), StringComparison.Ordinal);
        }
        finally
        {
            MountCleanup.UnmountBeneath(mountPoint);
            Array.ForEach(images, File.Delete);
        }
    }

    [Fact]
    public async Task Problems_WhenTheDiskHasVanished_AreToldAndCreatesRefusedAndThePoolCanBeLetGo()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Btrfs, Path = disk.NewDirectory("pool") };
        PoolInitializer.Initialize(settings);
        await using var pool = new PoolOpener(
            NullLoggerFactory.Instance,
            TimeProvider.System,
            new WriterPauses(TestScratch.NewDirectory("run"), null, TimeProvider.System, NullLogger<WriterPauses>.Instance)).Open(settings);
        await pool.LoadAsync(CancellationToken.None);
        var number = int.Parse(disk.DevicePath.AsSpan("/dev/loop".Length), NumberStyles.None, CultureInfo.InvariantCulture);
        using (var device = LoopDevice.Open(number, readOnly: false))
        using (var image = Files.Open(disk.ImagePath, OpenFlags.ReadWrite))
        {
            Files.SetLength(image, 0);
            device.SetCapacity();
        }

        await AssertUnavailableAsync(() => CreateAsync(pool, "a"));

        await Eventually.TrueAsync(() => pool.FindProblems().Any(problem => problem.Contains("has become read-only", StringComparison.Ordinal)), "the pool says it");
        Assert.Contains(pool.FindProblems(), problem => problem.StartsWith($"{disk.DevicePath} has failed (writes: ", StringComparison.Ordinal));
        await AssertUnavailableAsync(() => CreateAsync(pool, "b"));
    }

    [Fact]
    public async Task Problems_WhenAnotherMountHidesThePool_AreToldAndNothingIsAttached()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, disk.NewDirectory("pool"));
        var volume = await pool.CreateAsync("a");
        using (var other = Files.OpenDirectory(TestScratch.NewDirectory("other")))
        using (var tree = Mounts.CloneTree(other))
            Mounts.Attach(tree, disk.MountPoint);

        var refused = await Assert.ThrowsAsync<StorageException>(() => pool.Pool.AttachAsync(volume));
        var problem = Assert.Single(pool.Pool.FindProblems());
        Mounts.Unmount(disk.MountPoint);

        Assert.Equal(StorageError.Unavailable, refused.Error);
        Assert.Contains($"is not mounted at {pool.Directory} any more", problem, StringComparison.Ordinal);
        Assert.Contains($"is not mounted at {pool.Directory} any more", refused.Message, StringComparison.Ordinal);
        await pool.WriteAsync(volume, "file", "back");
        Assert.Empty(pool.Pool.FindProblems());
    }

    private static Task CreateAsync(IPool pool, string name) => pool.CreateVolumeAsync(
        new Volume { Id = new VolumeId(pool.Description.Id, ObjectKey.FromName(name)), Name = name, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch },
        new VolumeContent.Empty());

    private static async Task AssertUnavailableAsync(Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<StorageException>(call);
        Assert.True(refused.Error == StorageError.Unavailable, $"{refused.Error}: {refused.Message}");
    }

    private static void WriteRepeated(string path, byte[] pattern)
    {
        using var file = Files.Open(path, OpenFlags.WriteOnly | OpenFlags.Create, 0x1A4);
        Files.WriteAll(file, 0, [.. Enumerable.Repeat(pattern, 4000).SelectMany(bytes => bytes)]);
        Files.Flush(file);
    }

    private static void Spoil(string image, byte[] pattern)
    {
        using var file = Files.Open(image, OpenFlags.ReadWrite);
        var found = 0;
        foreach (var extent in Files.DataExtents(file, Files.Stat(file).Size))
        {
            var content = new byte[extent.Length];
            Files.Read(file, extent.Offset, content);
            for (var at = content.AsSpan().IndexOf(pattern); at >= 0 && found < 10; found++)
            {
                Files.WriteAll(file, extent.Offset + at, "SPOILED"u8);
                at = content.AsSpan(at + 4096) is var rest && rest.IndexOf(pattern) is >= 0 and var next ? at + 4096 + next : -1;
            }
        }
        Assert.True(found > 0, "the file's content lies in the image");
    }

    private static string NewImage(string name)
    {
        var path = TestScratch.NewPath($"{name}.img");
        using var file = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180);
        Files.SetLength(file, LoopDisk.DefaultSize);
        return path;
    }

    private static LoopDevice Attach(string image)
    {
        using var file = Files.Open(image, OpenFlags.ReadWrite);
        return LoopDevice.Attach(file, image, direct: false, readOnly: false, autoClear: true);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var result = await ChildProcess.RunAsync(program, arguments, TestContext.Current.CancellationToken);
        Assert.True(result.Succeeded, result.Error);
    }
}
