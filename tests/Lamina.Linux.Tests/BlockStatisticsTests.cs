using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class BlockStatisticsTests(Ext4FileSystem fileSystem)
{
    [Fact]
    public void Find_ADeviceThatIsWrittenTo_CountsIt()
    {
        var name = Path.GetFileName(fileSystem.Disk.DevicePath);
        var device = Files.Stat(fileSystem.Root).Device;
        var before = BlockStatistics.Find(device)!;

        File.WriteAllBytes(Path.Combine(fileSystem.NewDirectory(), "file"), new byte[1 << 20]);
        Files.FlushFileSystem(fileSystem.Root);

        var after = BlockStatistics.Find(device)!;
        Assert.True(after.WrittenBytes - before.WrittenBytes >= 1 << 20, $"{before} {after}");
        Assert.True(after.Writes > before.Writes && after.Busy >= before.Busy);
        // Others use the same disk.
        Assert.True(BlockStatistics.Find(name)!.WrittenBytes >= after.WrittenBytes);
    }

    [Theory]
    [InlineData("/proc")]
    [InlineData("/dev")]
    public void Find_OfAFileSystemWithoutADevice_IsUnknown(string path) => Assert.Null(BlockStatistics.Find(Files.Stat(path).Device));

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("no-such-device")]
    [InlineData("../../kernel")]
    public void Find_WhatIsNoDevice_IsUnknown(string name) => Assert.Null(BlockStatistics.Find(name));

    [Fact]
    public void Parse_LinesOfTheKernel_AreReadOrNot()
    {
        var read = BlockStatistics.Parse("    10  1  800  30   20  2  1600  40   0  55  70  0 0 0 0 0 0\n"u8);

        Assert.Equal(new BlockStatistics(10, 800 * 512, 20, 1600 * 512, TimeSpan.FromMilliseconds(55)), read);
        Assert.Null(BlockStatistics.Parse("1 2 3\n"u8));
        Assert.Null(BlockStatistics.Parse("1 2 x 4 5 6 7 8 9 10\n"u8));
    }

    [Fact]
    public void Since_AnEarlierCount_IsWhatWasAdded()
    {
        var begin = new BlockStatistics(1, 2, 3, 4, TimeSpan.FromSeconds(1));

        Assert.Equal(new BlockStatistics(2, 2, 2, 2, TimeSpan.FromSeconds(1)), new BlockStatistics(3, 4, 5, 6, TimeSpan.FromSeconds(2)).Since(begin));
        Assert.Null(new BlockStatistics(0, 2, 3, 4, TimeSpan.FromSeconds(1)).Since(begin));
    }

    [Fact]
    public void Sum_OfDevices_IsAsBusyAsTheBusiest() => Assert.Equal(
        new BlockStatistics(4, 6, 8, 10, TimeSpan.FromSeconds(2)),
        new BlockStatistics(1, 2, 3, 4, TimeSpan.FromSeconds(2)) + new BlockStatistics(3, 4, 5, 6, TimeSpan.FromSeconds(1)));
}
