using System.Globalization;
using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class LoopDeviceTests(Ext4FileSystem fileSystem) : IDisposable
{
    private const int Size = 4 << 20;

    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose()
    {
        _scratch.Dispose();
        Assert.Empty(MountCleanup.WaitForLoopDevices(_scratch.Path));
    }

    [Fact]
    public void Attach_Image_IsABlockDeviceWithItsContent()
    {
        using var image = Image("image");
        Files.WriteAll(image, 5000, "inside"u8);
        Files.Flush(image);
        using var loop = LoopDevice.Attach(image, _scratch["image"], direct: false, readOnly: false, autoClear: true);

        Assert.Equal($"/dev/loop{loop.Number}", loop.Path);
        Assert.Equal(FileKind.BlockDevice, Files.Stat(loop.Path).Kind);
        var buffer = new byte[6];
        Files.Read(loop.Handle, 5000, buffer);
        Assert.Equal("inside"u8, buffer);

        Files.WriteAll(loop.Handle, 5000, "outside"u8);
        Files.Flush(loop.Handle);
        Assert.Equal("outside"u8, Files.ReadAll(image).AsSpan(5000, 7));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void List_Attached_SaysHow(bool direct, bool readOnly)
    {
        using var image = Image("image");
        using var loop = LoopDevice.Attach(image, "a name", direct, readOnly, autoClear: true);

        var status = Assert.Single(LoopDevice.List(), status => status.Number == loop.Number);

        Assert.Equal((loop.Path, _scratch["image"]), (status.Path, status.BackingFile));
        Assert.Equal((direct, readOnly, true), (status.IsDirect, status.IsReadOnly, status.AutoClear));
        Assert.Equal(0ul, status.Offset);
    }

    [Fact]
    public void ListBackingFiles_Attached_HasTheFileAndNoOther()
    {
        using var image = Image("image");
        using var other = Image("other");
        using (LoopDevice.Attach(image, "a name", direct: false, readOnly: false, autoClear: true))
        {
            Assert.Contains(_scratch["image"], LoopDevice.ListBackingFiles());
            Assert.DoesNotContain(_scratch["other"], LoopDevice.ListBackingFiles());
        }
    }

    [Fact]
    public void ListByBacking_TheFile_FindsItByWhateverName()
    {
        using var image = Image("image");
        using var other = Image("other");
        using var loop = LoopDevice.Attach(image, _scratch["image"], direct: false, readOnly: false, autoClear: true);
        Files.Rename(_scratch.Handle, "image", _scratch.Handle, "renamed");

        Assert.Equal(loop.Number, Find(image)!.Number);
        Assert.Null(Find(other));
    }

    [Fact]
    public void Attach_ReadOnly_RefusesWrites()
    {
        using var image = Image("image");
        using var loop = LoopDevice.Attach(image, "x", direct: false, readOnly: true, autoClear: true);

        LinuxAssert.Fails(Errno.EBADF, () => Files.WriteAll(loop.Handle, 0, "x"u8));
        Assert.Throws<LinuxException>(() =>
        {
            using var device = Files.Open(loop.Path, OpenFlags.ReadWrite);
            Files.WriteAll(device, 0, new byte[512]);
            Files.Flush(device);
        });
    }

    [Fact]
    public void Attach_NameOfManyBytes_IsCut()
    {
        using var image = Image("image");
        using var loop = LoopDevice.Attach(image, new string('é', 100), direct: false, readOnly: false, autoClear: true);

        Assert.Equal(loop.Number, Find(image)!.Number);
    }

    [Fact]
    public void SetCapacity_ImageGrown_DeviceGrows()
    {
        using var image = Image("image");
        using var loop = LoopDevice.Attach(image, "x", direct: false, readOnly: false, autoClear: true);
        Files.SetLength(image, 2 * Size);
        Assert.Equal(Size, Capacity(loop));

        loop.SetCapacity();

        Assert.Equal(2 * Size, Capacity(loop));
    }

    [Fact]
    public void Dispose_NotAutoClear_StaysUntilDetached()
    {
        using var image = Image("image");
        var loop = LoopDevice.Attach(image, "x", direct: false, readOnly: false, autoClear: false);
        loop.Dispose();
        Assert.False(Find(image)!.AutoClear);

        using (var again = LoopDevice.Open(loop.Number, readOnly: true))
            again.Detach();

        Assert.Empty(MountCleanup.WaitForLoopDevices(_scratch.Path));
    }

    [Fact]
    public void Detach_WrittenByWhoWasNotTheLastToClose_KeepsWhatWasWritten()
    {
        using var image = Image("image");
        using (var loop = LoopDevice.Attach(image, "x", direct: false, readOnly: false, autoClear: false))
        {
            // Not flushed by the close, as we have the device open too.
            using (var writer = Files.Open(loop.Path, OpenFlags.WriteOnly))
                Files.WriteAll(writer, 8192, "written"u8);
            loop.Detach();
        }

        Assert.Empty(MountCleanup.WaitForLoopDevices(_scratch.Path));
        Assert.Equal("written"u8, Files.ReadAll(image).AsSpan(8192, 7));
    }

    [Fact]
    public void Detach_Twice_EnxioOrNothing()
    {
        using var image = Image("image");
        using var loop = LoopDevice.Attach(image, "x", direct: false, readOnly: false, autoClear: false);
        loop.Detach();

        // Another user of the machine may still have the device open for a moment, as its scan of all devices does.
        Assert.True(Record.Exception(loop.Detach) is null or LinuxException { Errno: Errno.ENXIO });
    }

    [Fact]
    public async Task Attach_ManyAtOnce_EachGetsItsOwn()
    {
        var images = Enumerable.Range(0, 8).Select(i => Image($"image-{i}")).ToList();
        var loops = await Task.WhenAll(images.Select(image =>
            Task.Run(() => LoopDevice.Attach(image, "x", direct: false, readOnly: false, autoClear: true))));

        Assert.Equal(8, loops.DistinctBy(loop => loop.Number).Count());
        foreach (var (image, loop) in images.Zip(loops))
        {
            Assert.Equal(loop.Number, Find(image)!.Number);
            loop.Dispose();
            image.Dispose();
        }
    }

    private static LoopStatus? Find(SafeFileHandle image)
    {
        var status = Files.Stat(image);
        return LoopDevice.ListByBacking(status.Device, status.Inode).SingleOrDefault();
    }

    private static long Capacity(LoopDevice loop) =>
        512 * long.Parse(File.ReadAllText($"/sys/block/loop{loop.Number}/size"), CultureInfo.InvariantCulture);

    private SafeFileHandle Image(string name)
    {
        var image = _scratch.Create(name);
        Files.SetLength(image, Size);
        return image;
    }
}
