using System.Globalization;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Directories;

/// <summary>A delete whose flush fails is not answered, and can be asked for again; until it is done the object is known.</summary>
public sealed class FailedFlushTests
{
    [Fact]
    public async Task Delete_WhoseFlushFails_IsUnavailableHoweverOftenItIsAskedFor()
    {
        // Without a journal a disk that fails does not stop the filesystem: the rename into the trash is done in memory, and only the flush fails.
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, formatOptions: ["-O", "^has_journal"]);
        await using var pool = await BindScratchPool.CreateInAsync(disk.NewDirectory("pool"));
        var volume = await pool.CreateAsync("a");
        Shrink(disk);

        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<StorageException>(() => pool.Pool.DeleteVolumeAsync(volume));

            Assert.True(refused.Error == StorageError.Unavailable, $"{refused.Error}: {refused.Message}");
            Assert.False(Directory.Exists(Path.Combine(pool.Directory, "volumes", "a")), "the rename is done");
        }
    }

    [Fact]
    public async Task Delete_AfterOneWhoseFlushFailed_IsDone()
    {
        await using var pool = await BindScratchPool.CreateAsync();
        var volume = await pool.CreateAsync("a");
        // As a delete leaves it whose flush failed.
        Directory.Move(Path.Combine(pool.Directory, "volumes", "a"), Path.Combine(pool.Directory, "trash", "a.abcdefghijklm"));

        await pool.Pool.DeleteVolumeAsync(volume);

        Assert.Equal(StorageError.NotFound, (await Assert.ThrowsAsync<StorageException>(() => pool.Pool.DeleteVolumeAsync(volume))).Error);
        Assert.Empty((await pool.ReopenAsync()).Volumes);
    }

    // As a disk that has vanished: every write is answered with an error.
    private static void Shrink(LoopDisk disk)
    {
        var number = int.Parse(disk.DevicePath.AsSpan("/dev/loop".Length), NumberStyles.None, CultureInfo.InvariantCulture);
        using var device = LoopDevice.Open(number, readOnly: false);
        using var image = Files.Open(disk.ImagePath, OpenFlags.ReadWrite);
        Files.SetLength(image, 0);
        device.SetCapacity();
    }
}
