using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Images;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Images;

/// <summary>The devices of images when things go wrong: attaches that fail, devices that others made, and images that are not what they should be.</summary>
[Collection<XfsCollection>]
public sealed class ImageDeviceTests(XfsFileSystem xfs) : IAsyncLifetime
{
    private DirectoryScratchPool _pool = null!;

    public static TheoryData<VolumeFileSystem> FileSystems => [VolumeFileSystem.Ext4, VolumeFileSystem.Xfs, VolumeFileSystem.Btrfs];

    public async ValueTask InitializeAsync() => _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Overlay2, xfs.NewDirectory("pool"));

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task Attach_OfAFileSystemThatDoesNotMount_LeavesNoDevice(VolumeFileSystem fileSystem)
    {
        var volume = await CreateAsync("a", fileSystem);
        using (var image = OpenImage(volume))
        {
            // Beside the magic number, so that it is still found to be one: a checksum, or the size of a block.
            var place = fileSystem switch { VolumeFileSystem.Ext4 => 1024 + 0x3FC, VolumeFileSystem.Xfs => 4, _ => 64 << 10 };
            Files.WriteAll(image, place, new byte[] { 0xAA, 0xAA, 0xAA, 0xAA });
        }
        var description = await _pool.Pool.AttachAsync(volume);

        Assert.Throws<LinuxException>(() => MountedVolume.Mount(description));

        await Eventually.TrueAsync(() => Loops(volume).Count == 0, "no device is left");
    }

    [Fact]
    public async Task Attach_OfADeviceThatCantBePutThere_LeavesNoDevice()
    {
        var volume = await CreateAsync("a", null);
        var description = await _pool.Pool.AttachAsync(volume);

        Assert.Throws<LinuxException>(() => description.MountAt(TestScratch.NewDirectory("no-file")));

        await Eventually.TrueAsync(() => Loops(volume).Count == 0, "no device is left");
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(VolumeFileSystem.Ext4, true)]
    [InlineData(VolumeFileSystem.Ext4, false)]
    public async Task Attach_WhereOthersHaveAnUnfitDevice_IsRefusedAndItStays(VolumeFileSystem? fileSystem, bool readOnly)
    {
        var volume = await CreateAsync("a", fileSystem);
        // Read-only, or a part of the image; the pool can't tell what it is for, and must not take it away.
        using var foreign = readOnly ? AttachForeign(volume, readOnly: true) : await AttachPartAsync(volume);
        var description = await _pool.Pool.AttachAsync(volume);

        var refused = Assert.Throws<StorageException>(() => MountedVolume.Mount(description));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains($"losetup --detach {Assert.Single(Loops(volume)).Path}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_WithTwoDevices_IsNeitherAttachedNorCut()
    {
        var volume = await CreateAsync("a", null);
        using var first = AttachForeign(volume, readOnly: false);
        using var second = AttachForeign(volume, readOnly: false);
        var description = await _pool.Pool.AttachAsync(volume);

        foreach (var call in (Func<Task>[])[() => Task.Run(() => description.MountAt(TestScratch.NewPath("device"))), () => _pool.SnapshotAsync(volume, "s"), () => _pool.Pool.DeleteVolumeAsync(volume)])
            Assert.Equal(StorageError.FailedPrecondition, (await Assert.ThrowsAsync<StorageException>(call)).Error);

        Assert.Equal(2, Loops(volume).Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(VolumeFileSystem.Ext4)]
    public async Task Attach_WhereOthersHaveAGoodDevice_TakesItAndMakesNoSecond(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateAsync("a", fileSystem);
        using (AttachForeign(volume, readOnly: false))
        {
            var before = Assert.Single(Loops(volume)).Number;
            await _pool.AttachAsync(volume);
            Assert.Equal(before, Assert.Single(Loops(volume)).Number);
        }

        await _pool.DetachAsync(volume);

        await Eventually.TrueAsync(() => Loops(volume).Count == 0, "no device is left");
    }

    [Theory]
    [InlineData(VolumeFileSystem.Ext4, VolumeFileSystem.Xfs)]
    [InlineData(VolumeFileSystem.Xfs, VolumeFileSystem.Btrfs)]
    [InlineData(VolumeFileSystem.Btrfs, VolumeFileSystem.Ext4)]
    public async Task Image_WithAnotherFileSystemThanItsRecord_IsRefusedAndStays(VolumeFileSystem fileSystem, VolumeFileSystem forged)
    {
        var volume = await CreateAsync("a", fileSystem);
        var other = await CreateAsync("b", forged);
        var snapshot = await _pool.SnapshotAsync(volume, "s");
        foreach (var path in (string[])[ImageOf(volume), Path.Combine(_pool.Directory, "image-snapshots", "s", "image")])
            File.Copy(ImageOf(other), path, overwrite: true);
        var before = Files.Stat(ImageOf(volume)).Modified;

        foreach (var call in (Func<Task>[])[() => _pool.Pool.AttachAsync(volume), () => _pool.CloneAsync(volume, "c"), () => _pool.RestoreAsync(snapshot, "d")])
        {
            var refused = await Assert.ThrowsAsync<StorageException>(call);
            Assert.Equal(StorageError.DataLoss, refused.Error);
            Assert.Contains(fileSystem.Name(), refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, Files.Stat(ImageOf(volume)).Modified);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_pool.Directory, "incoming")));
    }

    [Fact]
    public async Task Device_WithAFileSystemOfItsUser_IsCopiedByteByByte()
    {
        // Whoever writes to a device decides what is there: no tool looks at it, and no copy of it is changed.
        var made = await CreateAsync("made", VolumeFileSystem.Ext4);
        var volume = await CreateAsync("a", null);
        File.Copy(ImageOf(made), ImageOf(volume), overwrite: true);

        var snapshot = await _pool.SnapshotAsync(volume, "s");
        var restored = await _pool.RestoreAsync(snapshot, "b");

        Assert.Equal(Digest(ImageOf(made)), Digest(ImageOf(restored)));
        var mounted = await _pool.AttachAsync(restored);
        Assert.Equal(FileKind.BlockDevice, Files.Stat(mounted.Path).Kind);
        await _pool.DetachAsync(restored);
        Assert.Equal(Digest(ImageOf(made)), Digest(ImageOf(restored)));
    }

    // In a container, a file on another filesystem may have the very same path.
    [Fact]
    public async Task Stray_IsWhatLiesOnTheSameFileSystemAndBeneathTheDirectory()
    {
        var volume = await CreateAsync("a", null);
        using var foreign = AttachForeign(volume, readOnly: false, autoClear: false);
        using var root = Files.OpenDirectory(_pool.Directory);
        var (device, directory) = (Files.Stat(root).Device, Path.GetDirectoryName(ImageOf(volume))!);

        ImageDevice.DetachStray(device + 1, [directory]);
        ImageDevice.DetachStray(device, [directory[..^1], Path.Combine(directory, "image")]);
        Assert.False(Assert.Single(Loops(volume)).AutoClear);
        // Open here, it goes with us.
        ImageDevice.DetachStray(device, [directory]);
        Assert.True(Assert.Single(Loops(volume)).AutoClear);
    }

    private static string Digest(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(file));
    }

    private async Task<Volume> CreateAsync(string name, VolumeFileSystem? fileSystem)
    {
        var volume = _pool.NewVolume(name, ByteSize.FromMebibytes(fileSystem is null or VolumeFileSystem.Ext4 ? 64 : 304)) with
        {
            Kind = fileSystem is null ? VolumeKind.Block : VolumeKind.Filesystem,
            FileSystem = fileSystem,
        };
        await _pool.Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());
        return volume;
    }

    private LoopDevice AttachForeign(Volume volume, bool readOnly, bool autoClear = true)
    {
        using var image = OpenImage(volume);
        return LoopDevice.Attach(image, "foreign", direct: false, readOnly, autoClear);
    }

    // What shows only a part of a file is made by the tool that people use.
    private async Task<IDisposable> AttachPartAsync(Volume volume)
    {
        await ChildProcess.RunAsync("losetup", ["--find", "--offset", "1048576", ImageOf(volume)], CancellationToken.None);
        var device = LoopDevice.Open(Assert.Single(Loops(volume)).Number, readOnly: true);
        device.SetAutoClear(true);
        return device;
    }

    private string ImageOf(Volume volume) => Path.Combine(_pool.Directory, "image-volumes", volume.Id.Key.ToString(), "image");

    private Microsoft.Win32.SafeHandles.SafeFileHandle OpenImage(Volume volume) => Files.Open(ImageOf(volume), OpenFlags.ReadWrite);

    private List<LoopStatus> Loops(Volume volume) => [.. LoopDevice.List().Where(loop => loop.BackingFile == ImageOf(volume))];
}
