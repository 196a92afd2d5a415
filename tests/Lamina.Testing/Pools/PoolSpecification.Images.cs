using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Image volumes: raw devices, and filesystems of their own.</content>
public abstract partial class PoolSpecification
{
    /// <summary>Every sort of image volume.</summary>
    public static TheoryData<VolumeFileSystem?> ImageKinds => [(VolumeFileSystem?)null, VolumeFileSystem.Ext4, VolumeFileSystem.Xfs, VolumeFileSystem.Btrfs];

    /// <summary>Those with a filesystem.</summary>
    public static TheoryData<VolumeFileSystem> FileSystems => [VolumeFileSystem.Ext4, VolumeFileSystem.Xfs, VolumeFileSystem.Btrfs];

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_Created_IsLoadedWithItsRecordAndUsesNoDevice(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);

        await AssertNoDeviceAsync();
        AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
        Assert.True(Pool.GetUsage(volume)!.Used < ByteSize.FromMebibytes(100));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_AttachedAgain_HasItsContentAndItsSize(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);

        await WriteImageAsync(volume, "one");
        await Scratch.ReopenAsync();

        Assert.Equal("one", await ReadImageAsync(volume));
        Assert.InRange(await CapacityAsync(volume), volume.Size!.Value.Bytes * 6 / 10, volume.Size.Value.Bytes);
        await AssertNoDeviceAsync();
    }

    [PoolTheory(PoolTraits.Images | PoolTraits.Directory)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_OfAPoolThatAnotherMountHides_IsNotAttachedFromThere(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);

        using (new Hidden(PoolPath))
            await AssertRefusedAsync(StorageError.Unavailable, () => Pool.AttachAsync(volume));

        await WriteImageAsync(volume, "one");
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(FileSystems))]
    public async Task Image_WithRootParameters_HasThem(VolumeFileSystem fileSystem)
    {
        var parameters = VolumeParameters.None with { Uid = 1000, Gid = 2000, Mode = 0x5F8 };
        var volume = await CreateImageAsync("a", fileSystem, volume => volume with { Parameters = parameters });

        await Scratch.UseAsync(volume, mounted => AssertRoot(mounted, 1000, 2000, 0x5F8));
        await AssertNoDeviceAsync();
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_Copied_LivesOnBesideItsSource(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await WriteImageAsync(volume, "one");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        await WriteImageAsync(volume, "two");
        var clone = await Scratch.CloneAsync(volume, "clone");
        var restored = await Scratch.RestoreAsync(snapshot, "restored");
        var again = await Scratch.RestoreAsync(snapshot, "again", new ByteSize(volume.Size!.Value.Bytes + (64 << 20)));
        await Scratch.ReopenAsync();

        // All of them at once: none may be taken for another by the kernel.
        Volume[] all = [volume, clone, restored, again];
        foreach (var one in all)
            await Scratch.AttachAsync(one);
        var contents = all.Select(ReadAttached).ToList();
        WriteAttached(restored, "three");
        foreach (var one in all)
            await Scratch.DetachAsync(one);

        Assert.Equal(["two", "two", "one", "one"], contents);
        Assert.True(await CapacityAsync(again) > await CapacityAsync(restored) + (32 << 20));
        Assert.Equal("three", await ReadImageAsync(restored));
        Assert.Equal("one", await ReadImageAsync(await Scratch.RestoreAsync(snapshot, "last")));
        await AssertNoDeviceAsync();
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_OfACopyOfACopy_IsMountedBesideAll(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await WriteImageAsync(volume, "one");
        var clone = await Scratch.CloneAsync(volume, "b");
        var grandchild = await Scratch.CloneAsync(clone, "c");

        foreach (var one in (Volume[])[grandchild, clone, volume])
            await Scratch.AttachAsync(one);

        Assert.All([volume, clone, grandchild], one => Assert.Equal("one", ReadAttached(one)));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_WhoseSourceIsDeleted_Stays(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await WriteImageAsync(volume, "one");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        await Pool.DeleteVolumeAsync(volume);
        var restored = await Scratch.RestoreAsync(snapshot, "b");
        await Pool.DeleteSnapshotAsync(snapshot);

        var contents = await Scratch.ReopenAsync();

        AssertSame([restored], contents.Volumes);
        Assert.Empty(contents.Snapshots);
        Assert.Equal("one", await ReadImageAsync(restored));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_Resized_IsLargerAtTheNextAttach(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await WriteImageAsync(volume, "one");
        var before = await CapacityAsync(volume);
        var resized = volume with { Size = new ByteSize(volume.Size!.Value.Bytes + (128 << 20)) };

        await Pool.ResizeVolumeAsync(resized);

        AssertSame([resized], (await Scratch.ReopenAsync()).Volumes);
        Assert.InRange(await CapacityAsync(resized), before + (100 << 20), resized.Size.Value.Bytes);
        Assert.Equal("one", await ReadImageAsync(resized));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_ResizedWhileAttached_IsLargerAtOnce(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await Scratch.AttachAsync(volume);
        WriteAttached(volume, "one");
        var before = CapacityAttached(volume);
        var resized = volume with { Size = new ByteSize(volume.Size!.Value.Bytes + (128 << 20)) };

        if (fileSystem == VolumeFileSystem.Ext4 && !Capabilities.HasSystemResource)
        {
            // The kernel wants a capability that this machine's root has not: it must be said, and change nothing.
            await AssertRefusedAsync(StorageError.FailedPrecondition, () => Pool.ResizeVolumeAsync(resized));
            await Scratch.DetachAsync(volume);
            AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
            await Pool.ResizeVolumeAsync(resized);
            await Scratch.AttachAsync(resized);
        }
        else
        {
            await Pool.ResizeVolumeAsync(resized);
        }

        Assert.InRange(CapacityAttached(resized), before + (100 << 20), resized.Size.Value.Bytes);
        Assert.Equal("one", ReadAttached(resized));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_CutInUse_HoldsWhatWasWritten(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await Scratch.AttachAsync(volume);
        WriteAttached(volume, "one");

        if (Scratch.Directory is { } directory && Files.StatFs(directory).Kind == FileSystemKind.Ext4)
        {
            var refused = await AssertRefusedAsync(StorageError.FailedPrecondition, () => Scratch.SnapshotAsync(volume, "s"));
            Assert.Contains("XFS or Btrfs", refused.Message, StringComparison.Ordinal);
            return;
        }
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        WriteAttached(volume, "two");
        var restored = await Scratch.RestoreAsync(snapshot, "b");

        Assert.Equal(fileSystem is null, snapshot.Pause is null);
        Assert.Equal("one", await ReadImageAsync(restored));
        Assert.Equal("two", ReadAttached(volume));
    }

    [PoolTheory(PoolTraits.Images)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_StillADevice_IsNotDeleted(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        await Scratch.AttachAsync(volume);

        await AssertRefusedAsync(StorageError.FailedPrecondition, () => Pool.DeleteVolumeAsync(volume));
        await Scratch.DetachAsync(volume);
        await Pool.DeleteVolumeAsync(volume);

        Assert.Empty((await Scratch.ReopenAsync()).Volumes);
    }

    [PoolTheory(PoolTraits.Images | PoolTraits.Directory)]
    [MemberData(nameof(ImageKinds))]
    public async Task Image_WithoutItsData_IsNeverMadeAgain(VolumeFileSystem? fileSystem)
    {
        var volume = await CreateImageAsync("a", fileSystem);
        var path = Path.Combine(PoolPath, "image-volumes", volume.Id.Key.ToString(), "image");
        using (var image = Files.Open(path, OpenFlags.ReadWrite))
        {
            Files.SetLength(image, 0);
            if (fileSystem is not null)
                Files.SetLength(image, volume.Size!.Value.Bytes);
        }

        await AssertRefusedAsync(StorageError.DataLoss, () => Pool.AttachAsync(volume));

        Assert.Equal(0, Files.Stat(path).Blocks);
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Image_AndDirectory_OfOneKey_CantBoth()
    {
        await Scratch.CreateAsync("a");
        await CreateImageAsync("b", null);

        await AssertRefusedAsync(StorageError.AlreadyExists, () => CreateImageAsync("a", null));
        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.CreateAsync("b"));
    }

    [PoolFact(PoolTraits.Images | PoolTraits.Directory)]
    public async Task Image_LeftAsADeviceByACrash_IsNoneAfterTheLoad()
    {
        var volume = await CreateImageAsync("a", null);
        var description = (MountDescription.Image)await Pool.AttachAsync(volume);
        using (var file = Files.Open(Path.Combine(description.Root, description.Path), OpenFlags.ReadWrite))
        using (var loop = LoopDevice.Attach(file, "left", direct: true, readOnly: false, autoClear: false))
            BlockDevice.SetReadOnly(loop.Handle, true);
        Assert.NotEmpty(Scratch.ListDevices());

        await Scratch.ReopenAsync();

        await AssertNoDeviceAsync();
        await WriteImageAsync(volume, "one");
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Image_OpenedBySomebody_StaysAttached()
    {
        var volume = await CreateImageAsync("a", null);
        var mounted = await Scratch.AttachAsync(volume);
        using (Files.Open(mounted.Path, OpenFlags.ReadOnly))
        {
            Assert.False(mounted.TryUnmountDevice());
            Assert.Single(Scratch.ListDevices());
            WriteAttached(volume, "one");
        }

        await Scratch.DetachAsync(volume);

        Assert.Equal("one", await ReadImageAsync(volume));
    }

    protected async Task<Volume> CreateImageAsync(string name, VolumeFileSystem? fileSystem, Func<Volume, Volume>? change = null)
    {
        var volume = Scratch.NewVolume(name, ByteSize.FromMebibytes(fileSystem switch
        {
            VolumeFileSystem.Xfs => 304,
            VolumeFileSystem.Btrfs => 256,
            _ => 160,
        })) with
        {
            Kind = fileSystem is null ? VolumeKind.Block : VolumeKind.Filesystem,
            FileSystem = fileSystem,
            Parameters = VolumeParameters.None,
        };
        volume = change?.Invoke(volume) ?? volume;
        await Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());
        return volume;
    }

    private async Task WriteImageAsync(Volume volume, string content)
    {
        await Scratch.AttachAsync(volume);
        WriteAttached(volume, content);
        await Scratch.DetachAsync(volume);
    }

    private async Task<string> ReadImageAsync(Volume volume)
    {
        await Scratch.AttachAsync(volume);
        var content = ReadAttached(volume);
        await Scratch.DetachAsync(volume);
        return content;
    }

    private async Task<long> CapacityAsync(Volume volume)
    {
        await Scratch.AttachAsync(volume);
        var capacity = CapacityAttached(volume);
        await Scratch.DetachAsync(volume);
        return capacity;
    }

    // A raw device has its words at its very end, so that one that is too short is noticed.
    private void WriteAttached(Volume volume, string content)
    {
        var path = Scratch.InUse(volume).MountPoint!;
        if (volume.FileSystem is not null)
        {
            File.WriteAllText(Path.Combine(path, "file"), content);
            return;
        }
        using var device = Files.Open(path, OpenFlags.WriteOnly);
        Files.WriteAll(device, 150 << 20, System.Text.Encoding.UTF8.GetBytes(content.PadRight(512)));
    }

    private string ReadAttached(Volume volume)
    {
        var path = Scratch.InUse(volume).MountPoint!;
        if (volume.FileSystem is not null)
            return File.ReadAllText(Path.Combine(path, "file"));
        using var device = Files.Open(path, OpenFlags.ReadOnly);
        var content = new byte[512];
        Files.Read(device, 150 << 20, content);
        return System.Text.Encoding.UTF8.GetString(content).TrimEnd();
    }

    private long CapacityAttached(Volume volume)
    {
        var path = Scratch.InUse(volume).MountPoint!;
        if (volume.FileSystem is not null)
            return (long)Files.StatFs(path).TotalBytes;
        using var device = Files.Open(path, OpenFlags.ReadOnly);
        return BlockDevice.GetSize(device);
    }

    // The kernel lets go of the last one a moment after its last user has gone.
    private Task AssertNoDeviceAsync() => Eventually.TrueAsync(() => Scratch.ListDevices().Count == 0, "no device is left in use");
}
