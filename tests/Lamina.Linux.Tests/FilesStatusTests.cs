using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class FilesStatusTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Stat_RegularFile_IsWhatWasWritten()
    {
        using var file = _scratch.Create("file", new byte[10_000]);
        Files.ChangeMode(file, 0x9a4 /* 04644 */);
        Files.Link(_scratch.Handle, "file", _scratch.Handle, "second");
        Files.Flush(file);

        var status = Files.Stat(file);

        Assert.Equal((FileKind.Regular, 10_000L, 2u, 0x9a4u), (status.Kind, status.Size, status.Links, status.Mode));
        Assert.InRange(status.Blocks, 20, 64);
        Assert.Equal(Files.Stat(_scratch.Handle).Device, status.Device);
        Assert.False(status.IsMountRoot);
        Assert.Equal(status, Files.StatAt(_scratch.Handle, "file"));
        Assert.True(status.IsSameFile(Files.Stat(_scratch["second"])));
    }

    [Fact]
    public void StatAt_SymbolicLink_IsTheLink()
    {
        Files.SymbolicLink("target", _scratch.Handle, "link");
        _scratch.Write("target", "");

        Assert.Equal(FileKind.SymbolicLink, Files.StatAt(_scratch.Handle, "link").Kind);
        Assert.Equal(FileKind.Regular, Files.Stat(_scratch["link"]).Kind);
    }

    [Fact]
    public void Stat_PathHandleOfALink_IsTheLink()
    {
        Files.SymbolicLink("target", _scratch.Handle, "link");
        using var place = Files.OpenAt(_scratch.Handle, "link", OpenFlags.Path | OpenFlags.NoFollow);

        Assert.Equal(FileKind.SymbolicLink, Files.Stat(place).Kind);
    }

    [Fact]
    public void TryStat_Missing_Null()
    {
        Assert.Null(Files.TryStat(_scratch["missing"]));
        Assert.Null(Files.TryStatAt(_scratch.Handle, "missing"));
        LinuxAssert.Fails(Errno.ENOENT, () => Files.StatAt(_scratch.Handle, "missing"));
    }

    [Fact]
    public void TryStat_FileAsDirectory_Enotdir()
    {
        _scratch.Write("file", "");

        LinuxAssert.Fails(Errno.ENOTDIR, () => Files.TryStat(_scratch["file/x"]));
    }

    [Fact]
    public void Stat_RootOfAMount_SaysSo()
    {
        Assert.True(Files.Stat("/proc").IsMountRoot);
        Assert.NotEqual(Files.Stat("/").MountId, Files.Stat("/proc").MountId);
    }

    [Fact]
    public void Stat_Device_EqualsTheMountTables()
    {
        var status = Files.Stat("/proc");

        Assert.Equal(MountTable.Read().FindTop("/proc")!.Device, status.Device);
    }

    [Fact]
    public void StatFs_Proc_IsNoDisk()
    {
        var status = Files.StatFs("/proc");

        Assert.Equal(FileSystemKind.Other, status.Kind);
        Assert.Equal(0ul, status.TotalBytes);
    }

    [Fact]
    public void StatFs_Scratch_AddsUp()
    {
        var status = Files.StatFs(_scratch.Handle);

        Assert.InRange(status.FreeBytes, 1ul, status.TotalBytes);
        Assert.InRange(status.AvailableBytes, 0ul, status.FreeBytes);
        Assert.False(status.ReadOnly);
        Assert.Equal(status.Id, Files.StatFs(_scratch.Path).Id);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(8, 1, 0x801)]
    [InlineData(259, 3, 0x10303)]
    [InlineData(7, 300, 0x10072c)]
    public void DeviceNumber_Pair_IsAsTheCLibraryHasIt(uint major, uint minor, ulong device)
    {
        Assert.Equal(device, DeviceNumber.Make(major, minor));
        Assert.Equal((major, minor), (DeviceNumber.Major(device), DeviceNumber.Minor(device)));
    }

    [Fact]
    public void Timestamp_Order_IsThatOfTime()
    {
        Timestamp[] times = [new(-1, 5), new(0, 0), new(0, 1), new(1, 0)];

        Assert.Equal(times, times.Reverse().Order());
        Assert.True(times[0] < times[1] && times[3] > times[2] && times[1] <= times[1] && times[1] >= times[0]);
    }
}
