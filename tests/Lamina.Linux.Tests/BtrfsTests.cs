using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Tests;

[Collection<BtrfsCollection>]
public sealed class BtrfsTests(BtrfsFileSystem fileSystem) : IDisposable
{
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void CommitTransaction_Anything_Succeeds()
    {
        _scratch.Write("file", "x");

        Btrfs.CommitTransaction(_scratch.Handle);
        Btrfs.CommitTransaction(_scratch.Handle);
    }

    [Fact]
    public void GetInfo_OneDevice_SaysWhich()
    {
        var info = Btrfs.GetInfo(fileSystem.Root);

        Assert.True(Directory.Exists($"/sys/fs/btrfs/{info.Id:D}"));
        Assert.Equal((4096u, 16384u), (info.SectorSize, info.NodeSize));
        var device = Assert.Single(info.Devices);
        Assert.Equal((1ul, fileSystem.Disk.DevicePath, (ulong)LoopDisk.DefaultSize), (device.Id, device.Path, device.TotalBytes));
        Assert.False(device.HasErrors);
    }

    [Fact]
    public void GetSpace_AfterAWrite_AddsUp()
    {
        using (var file = _scratch.Create("file", new byte[8 << 20]))
            Files.Flush(file);
        Btrfs.CommitTransaction(_scratch.Handle);

        var space = Btrfs.GetSpace(fileSystem.Root);

        Assert.InRange(space.DataUsed, 8ul << 20, space.DataTotal);
        Assert.InRange(space.MetadataUsed, 1ul, space.MetadataTotal);
        Assert.InRange(space.SystemUsed, 1ul, space.SystemTotal);
        Assert.InRange(space.GlobalReserve, 1ul, space.MetadataTotal);
        Assert.InRange(space.Unallocated, 0ul, (ulong)LoopDisk.DefaultSize);
    }

    [Fact]
    public void SetCompression_Algorithm_IsInheritedAndCanBeUndone()
    {
        Btrfs.SetCompression(_scratch.Handle, "zstd");
        using (var file = _scratch.Create("file"))
            Assert.Equal("zstd", Btrfs.GetCompression(file));

        Btrfs.SetCompression(_scratch.Handle, null);
        Btrfs.SetCompression(_scratch.Handle, null);

        Assert.Null(Btrfs.GetCompression(_scratch.Handle));
    }

    [Fact]
    public void SetCompression_UnknownAlgorithm_Einval() =>
        LinuxAssert.Fails(Errno.EINVAL, () => Btrfs.SetCompression(_scratch.Handle, "nonsense"));

    [Fact]
    public void TrySetNoCopyOnWrite_Directory_IsInherited()
    {
        Assert.True(Files.TrySetNoCopyOnWrite(_scratch.Handle, true));

        using var inheriting = _scratch.Create("inheriting", new byte[8192]);
        Assert.True(Files.TrySetNoCopyOnWrite(_scratch.Handle, false));
        using var other = _scratch.Create("other");

        // Files of the two kinds can't share blocks, which is how it shows.
        Assert.False(Files.TryReflink(inheriting, other));
    }

    [Fact]
    public void GetMode_NoQuotas_NoneAndNoGroups()
    {
        Assert.Equal(BtrfsQuotaMode.None, BtrfsQuota.GetMode(fileSystem.Root));
        Assert.Empty(BtrfsQuota.List(fileSystem.Root));
        Assert.Null(BtrfsQuota.Get(fileSystem.Root, new QgroupId(0, 5)));
    }

    [Fact]
    public void TreeRemoval_SubvolumeWithin_ExdevNamesItAndItsContentStays()
    {
        Directory.CreateDirectory(_scratch["tree/a"]);
        using (var directory = Files.OpenDirectory(_scratch["tree/a"]))
            Btrfs.CreateSubvolume(directory, "volume");
        _scratch.Write("tree/a/volume/precious", "x");

        var thrown = LinuxAssert.Fails(Errno.EXDEV, () => TreeRemoval.Remove(_scratch.Handle, "tree", CancellationToken.None));

        Assert.Contains(_scratch["tree/a/volume"], thrown.Operation, StringComparison.Ordinal);
        Assert.Equal("x", File.ReadAllText(_scratch["tree/a/volume/precious"]));
    }

    [Fact]
    public void TreeRemoval_EmptySubvolume_IsNotRemovedAsADirectoryEither()
    {
        Btrfs.CreateSubvolume(_scratch.Handle, "volume");

        LinuxAssert.Fails(Errno.EXDEV, () => TreeRemoval.Remove(_scratch.Handle, "volume", CancellationToken.None));

        Assert.NotNull(Files.TryStatAt(_scratch.Handle, "volume"));
    }

    [Fact]
    public void TreeRemoval_PlaceOfANestedSubvolumeInASnapshot_IsRemoved()
    {
        Btrfs.CreateSubvolume(_scratch.Handle, "outer");
        using var outer = Files.OpenDirectoryAt(_scratch.Handle, "outer");
        Files.MakeDirectory(outer, "tree", 0x1ed);
        using (var tree = Files.OpenDirectoryAt(outer, "tree"))
            Btrfs.CreateSubvolume(tree, "inner");
        Btrfs.CreateSnapshot(_scratch.Handle, "snapshot", outer, readOnly: false);
        using var snapshot = Files.OpenDirectoryAt(_scratch.Handle, "snapshot");

        TreeRemoval.Remove(snapshot, "tree", CancellationToken.None);

        Assert.Empty(Files.List(snapshot));
    }

    [Fact]
    public void ListByBacking_ImageInASubvolume_IsFoundByItsStatus()
    {
        Btrfs.CreateSubvolume(_scratch.Handle, "volume");
        using var volume = Files.OpenDirectoryAt(_scratch.Handle, "volume");
        using var image = Files.OpenAt(volume, "image", OpenFlags.ReadWrite | OpenFlags.Create, 0x180);
        Files.SetLength(image, 4 << 20);
        using (var loop = LoopDevice.Attach(image, "image", direct: false, readOnly: false, autoClear: true))
            Assert.Equal(loop.Number, Find(image)?.Number);
        Assert.Empty(MountCleanup.WaitForLoopDevices(_scratch.Path));
    }

    private static LoopStatus? Find(SafeFileHandle image)
    {
        var status = Files.Stat(image);
        return LoopDevice.ListByBacking(status.Device, status.Inode).SingleOrDefault();
    }
}
