using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class MountTableTests
{
    private const string Sample =
        """
        22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
        23 22 0:5 / /dev rw,relatime shared:1 master:2 - devtmpfs devtmpfs rw,size=4k
        30 22 0:40 /a\040b /mnt/with\040space\011tab\012line\134back\043hash rw,nosuid - tmpfs my\040source ro,size=1k
        31 22 0:41 / /mnt/x rw - fuse.sshfs host:/ rw
        32 31 0:42 / /mnt/x rw - tmpfs  rw
        33 22 0:43 / /mnt/xy rw unbindable - tmpfs none rw,a b
        34 32 0:44 / /mnt/x/inner ro - tmpfs none rw

        """;

    [Fact]
    public void Parse_PlainLine_AllFields()
    {
        var entry = MountTable.Parse(Sample).Entries[1];

        Assert.Equal((23, 22, 0u, 5u), (entry.Id, entry.ParentId, entry.Major, entry.Minor));
        Assert.Equal(("/", "/dev", "rw,relatime"), (entry.Root, entry.MountPoint, entry.Options));
        Assert.Equal(["shared:1", "master:2"], entry.OptionalFields);
        Assert.Equal(("devtmpfs", "devtmpfs", "rw,size=4k"), (entry.FileSystemType, entry.Source, entry.SuperOptions));
        Assert.Equal(DeviceNumber.Make(0, 5), entry.Device);
    }

    [Fact]
    public void Parse_Escapes_AreUndone()
    {
        var entry = MountTable.Parse(Sample).Entries[2];

        Assert.Equal("/a b", entry.Root);
        Assert.Equal("/mnt/with space\ttab\nline\\back#hash", entry.MountPoint);
        Assert.Equal("my source", entry.Source);
    }

    [Fact]
    public void Parse_EmptySourceAndSpaceInOptions_AreKept()
    {
        var table = MountTable.Parse(Sample);

        Assert.Equal("", table.Entries[4].Source);
        Assert.Equal("rw,a b", table.Entries[5].SuperOptions);
    }

    [Theory]
    [InlineData("22 1 254:0 / / rw,relatime ext4 /dev/vda rw")]
    [InlineData("22 1 254:0 / / rw -")]
    [InlineData("22 1 254 / / rw - ext4 /dev/vda rw")]
    [InlineData("x 1 254:0 / / rw - ext4 /dev/vda rw")]
    [InlineData("22")]
    public void Parse_MalformedLine_Throws(string line) => Assert.Throws<FormatException>(() => MountTable.Parse(line));

    [Fact]
    public void FindTop_Stacked_IsTheOneOnTopWhateverTheOrderOfLines()
    {
        var reversed = string.Join('\n', Sample.Split('\n', StringSplitOptions.RemoveEmptyEntries).AsEnumerable().Reverse());

        Assert.Equal(32, MountTable.Parse(Sample).FindTop("/mnt/x")!.Id);
        Assert.Equal(32, MountTable.Parse(reversed).FindTop("/mnt/x/")!.Id);
    }

    [Fact]
    public void FindTop_NothingThere_Null() => Assert.Null(MountTable.Parse(Sample).FindTop("/mnt"));

    [Fact]
    public void At_Stacked_AllOfThem() => Assert.Equal([31, 32], MountTable.Parse(Sample).At("/mnt/x").Select(entry => entry.Id));

    [Theory]
    [InlineData("/mnt/x", new[] { 31, 32, 34 })]
    [InlineData("/mnt/x/", new[] { 31, 32, 34 })]
    [InlineData("/mnt", new[] { 30, 31, 32, 33, 34 })]
    [InlineData("/", new[] { 22, 23, 30, 31, 32, 33, 34 })]
    [InlineData("/mn", new int[0])]
    public void Beneath_Path_ThoseAtOrUnderIt(string path, int[] expected) =>
        Assert.Equal(expected, MountTable.Parse(Sample).Beneath(path).Select(entry => entry.Id));

    [Fact]
    public void IsReadOnly_MountOrFileSystem_Either() =>
        Assert.Equal([30, 34], MountTable.Parse(Sample).Entries.Where(entry => entry.IsReadOnly).Select(entry => entry.Id));

    [Fact]
    public void Read_ThisProcess_HasTheRootAndProc()
    {
        var table = MountTable.Read();

        Assert.NotNull(table.FindTop("/"));
        Assert.Equal("proc", table.FindTop("/proc")!.FileSystemType);
        Assert.NotNull(MountTable.Read(Environment.ProcessId).FindTop("/proc"));
    }

    [Fact]
    public void Read_ProcessGone_Throws() => LinuxAssert.Fails(Errno.ENOENT, () => MountTable.Read(int.MaxValue));

    [Fact]
    public void Read_OddMountPoint_ComesBackAsItIs()
    {
        Requirements.Root();
        var target = TestScratch.NewDirectory("odd \t\\ # ü \u2028 \r \u0085");
        using (var mount = Mounts.CreateFileSystem("tmpfs", "odd # \\ source", [], MountAttributes.None))
            Mounts.Attach(mount, target);
        using var unmounting = new Unmounting(target);

        Assert.Equal("odd # \\ source", MountTable.Read().FindTop(target)!.Source);
    }

    [Fact]
    public async Task Read_WhileOthersMountAndUnmount_NeverMissesOneThatStays()
    {
        Requirements.Root();
        var (stay, busy) = (TestScratch.NewDirectory("stay"), TestScratch.NewDirectory("busy"));
        var targets = Enumerable.Range(0, 60).Select(i => Directory.CreateDirectory($"{stay}/{i}").FullName).ToList();
        using var end = new CancellationTokenSource();
        try
        {
            // Enough for several pages, which is what the kernel hands out at a time.
            targets.ForEach(Attach);
            var churn = Task.Run(() =>
            {
                while (!end.IsCancellationRequested)
                {
                    Attach(busy);
                    Mounts.Unmount(busy);
                }
            });

            for (var i = 0; i < 50; i++)
                Assert.Equal(targets.Count, MountTable.Read().Beneath(stay).Count());
            await end.CancelAsync();
            await churn;
        }
        finally
        {
            await end.CancelAsync();
            MountCleanup.UnmountBeneath(stay);
        }

        static void Attach(string target)
        {
            using var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None);
            Mounts.Attach(mount, target);
        }
    }
}
