using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Tests.Cli;

/// <summary>Btrfs pools in a loop image of their own.</summary>
public sealed class ImagePoolCommandTests : IAsyncLifetime
{
    private TestDaemon _daemon = null!;

    private string Pool => Path.Combine(_daemon.Root, "fast");

    private string Image => Path.Combine(_daemon.Root, "images", "fast.img");

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        MountCleanup.UnmountBeneath(_daemon.Root);
    }

    [Fact]
    public async Task Init_InAnImage_MakesFormatsAndMountsIt()
    {
        var text = await InitAsync();

        Assert.Matches(@"(?m)^state +loaded$", text);
        Assert.Matches(@"(?m)^limits +hard$", text);
        Assert.Matches($@"(?m)^image +{Image}$", text);
        Assert.DoesNotContain("warning", text, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^fast +[a-z2-7]{{13}}  btrfs +btrfs +{Pool} +300Mi +\S+i +0 +0  hard +- +loaded$", await CliRun.OkAsync(_daemon, "pool", "ls"));
        var loop = Loop()!;
        Assert.True(loop.IsDirect);
        Assert.True(loop.AutoClear);
        Assert.Equal(("btrfs", loop.Path), MountTable.Read().FindTop(Pool) is { } mount ? (mount.FileSystemType, mount.Source) : default);
        Assert.Equal((300L << 20, 0x180u), (Files.Stat(Image).Size, Files.Stat(Image).Mode));
        Assert.InRange(Files.Stat(Image).Blocks * 512, 0, 100 << 20);
        using var root = Files.OpenDirectory(Pool);
        Assert.Equal(BtrfsQuotaMode.Simple, BtrfsQuota.GetMode(root));
    }

    [Fact]
    public async Task Volumes_InAnImage_AreLimitedAndSurviveARestartAndAReboot()
    {
        await InitAsync();
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--pool", "fast", "--size", "16Mi");
        var path = await CliRun.OkAsync(_daemon, "volume", "attach", "v");
        await File.WriteAllTextAsync($"{path}/file", "kept");
        using (var large = Files.Open($"{path}/large", OpenFlags.WriteOnly | OpenFlags.Create, 0x180))
            Assert.Equal(Errno.EDQUOT, Assert.Throws<LinuxException>(() => WriteRandom(large, 32)).Errno);
        var loop = Loop()!.Number;

        // The mount stays while the daemon is away, and is found.
        await _daemon.StopAsync();
        Assert.Equal("kept", await File.ReadAllTextAsync($"{path}/file"));
        await _daemon.StartAgainAsync();
        Assert.Equal(loop, Loop()!.Number);
        Assert.Single(MountTable.Read().At(Pool));
        await CliRun.OkAsync(_daemon, "volume", "detach", "v");

        // A reboot: neither mount nor loop device is there any more.
        await _daemon.StopAsync();
        Mounts.Unmount(Pool);
        await Eventually.TrueAsync(() => Loop() is null, "the kernel let go of the image");
        await _daemon.StartAgainAsync();

        Assert.True(Loop()!.IsDirect);
        path = await CliRun.OkAsync(_daemon, "volume", "attach", "v");
        Assert.Equal("kept", await File.ReadAllTextAsync($"{path}/file"));
        Assert.Matches(@"(?m)^limits +hard$", await CliRun.OkAsync(_daemon, "pool", "inspect", "fast"));
        await CliRun.OkAsync(_daemon, "volume", "detach", "v");
    }

    [Fact]
    public async Task Start_WithTheImageAttachedButNotMounted_UsesThatDevice()
    {
        await InitAsync();
        await _daemon.StopAsync();
        Mounts.Unmount(Pool);
        await Eventually.TrueAsync(() => Loop() is null, "the kernel let go of the image");
        using (var file = Files.Open(Image, OpenFlags.ReadWrite))
        using (var attached = LoopDevice.Attach(file, Image, direct: true, readOnly: false, autoClear: true))
        {
            await _daemon.StartAgainAsync();

            Assert.Equal(attached.Number, Assert.Single(LoopDevice.List(), loop => loop.BackingFile == Image).Number);
            Assert.Equal(attached.Path, MountTable.Read().FindTop(Pool)!.Source);
        }
    }

    [Theory]
    [InlineData("64Mi", "the image's size of 64Mi is too small for a Btrfs; it must be at least 256Mi")]
    [InlineData("7Ei", "larger than a file can be on that filesystem")]
    public async Task Init_OfASizeThatCanNotBe_IsRefusedAndLeavesNothing(string size, string message)
    {
        var run = await CliRun.RunAsync(_daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Pool, "--image", Image, "--image-size", size);

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        AssertNothingLeft();
        Assert.False(File.Exists(Image));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not blank")]
    public async Task Init_WhereAFileIs_IsRefusedAndLeavesIt(string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Image)!);
        await File.WriteAllTextAsync(Image, content);

        var run = await CliRun.RunAsync(_daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Pool, "--image", Image, "--image-size", "300Mi");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains($"{Image} exists already; no file that exists is ever formatted", run.Error, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllTextAsync(Image));
        AssertNothingLeft();
    }

    [Fact]
    public async Task Init_WhereTheMountPointHoldsFiles_IsRefusedAndLeavesNothing()
    {
        Directory.CreateDirectory(Pool);
        await File.WriteAllTextAsync(Path.Combine(Pool, "precious"), "data");

        var run = await CliRun.RunAsync(_daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Pool, "--image", Image, "--image-size", "300Mi");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("is not an empty directory", run.Error, StringComparison.Ordinal);
        Assert.Equal("data", await File.ReadAllTextAsync(Path.Combine(Pool, "precious")));
        File.Delete(Path.Combine(Pool, "precious"));
        Directory.Delete(Pool);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Init_OnADiskThatIsTooFull_LeavesNothing()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, size: 4 << 20);
        using (var filler = Files.Open(Path.Combine(disk.MountPoint, "filler"), OpenFlags.WriteOnly | OpenFlags.Create, 0x180))
            Assert.Equal(Errno.ENOSPC, Assert.Throws<LinuxException>(() => WriteRandom(filler, 8)).Errno);

        var run = await CliRun.RunAsync(
            _daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Pool, "--image", Path.Combine(disk.MountPoint, "fast.img"), "--image-size", "300Mi");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Equal(["filler", "lost+found"], Directory.GetFileSystemEntries(disk.MountPoint).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        AssertNothingLeft();
    }

    [Fact]
    public async Task Init_ByNameAlone_NeedsTheSizeAndMakesIt()
    {
        await using var daemon = await TestDaemon.StartAsync("--pools:main:backend=btrfs", $"--pools:main:path={Pool}", $"--pools:main:image={Image}");
        Assert.Contains($"not loaded: the image {Image} does not exist; is its disk mounted? To make a new pool there: lamina pool init main", await CliRun.OkAsync(daemon, "pool", "ls"), StringComparison.Ordinal);
        var run = await CliRun.RunAsync(daemon, "pool", "init", "main");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--image-size 50Gi", run.Error, StringComparison.Ordinal);

        await CliRun.OkAsync(daemon, "pool", "init", "main", "--image-size", "300Mi");

        await CliRun.OkAsync(daemon, "volume", "create", "v");
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Start_WithSomethingInTheWay_SaysWhatAndTouchesNothing()
    {
        await InitAsync();
        await _daemon.StopAsync();
        Mounts.Unmount(Pool);
        await File.WriteAllTextAsync(Path.Combine(Pool, "stray"), "written while it was not mounted");
        await _daemon.StartAgainAsync();
        Assert.Contains("is not empty; move away what is there", await StateAsync(), StringComparison.Ordinal);
        File.Delete(Path.Combine(Pool, "stray"));

        await _daemon.StopAsync();
        using (var other = Files.OpenDirectory(TestScratch.NewDirectory("other")))
        using (var tree = Mounts.CloneTree(other))
            Mounts.Attach(tree, Pool);
        await _daemon.StartAgainAsync();
        Assert.Contains($"something else is mounted than the image {Image}", await StateAsync(), StringComparison.Ordinal);
        Mounts.Unmount(Pool);

        await _daemon.StartAgainAsync();
        Assert.EndsWith("loaded", await StateAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImageThatIsGone_IsSaidAndCanBeForgotten()
    {
        await InitAsync();
        var volume = (string?)(await CliRun.JsonAsync(_daemon, "volume", "create", "v", "--pool", "fast"))["id"];
        var pool = volume!.Split('.')[0];
        await _daemon.StopAsync();
        Mounts.Unmount(Pool);
        await Eventually.TrueAsync(() => Loop() is null, "the kernel let go of the image");
        File.Delete(Image);

        await _daemon.StartAgainAsync();

        Assert.Contains($"not loaded: the image {Image} does not exist; is its disk mounted?", await StateAsync(), StringComparison.Ordinal);
        Assert.Equal(7, (await CliRun.RunAsync(_daemon, "volume", "inspect", volume)).ExitCode);
        Assert.Equal(7, (await CliRun.RunAsync(_daemon, "volume", "create", "w", "--pool", "fast")).ExitCode);
        await CliRun.OkAsync(_daemon, "pool", "forget", pool, "--yes");
        Assert.Equal(3, (await CliRun.RunAsync(_daemon, "volume", "inspect", volume)).ExitCode);
        Assert.False(File.Exists(Image));
    }

    private Task<string> InitAsync() =>
        CliRun.OkAsync(_daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Pool, "--image", Image, "--image-size", "300Mi");

    private async Task<string> StateAsync() => (await CliRun.OkAsync(_daemon, "pool", "ls")).Split('\n').Single(line => line.StartsWith("fast ", StringComparison.Ordinal));

    private LoopStatus? Loop() => LoopDevice.List().FirstOrDefault(loop => loop.BackingFile == Image);

    private void AssertNothingLeft()
    {
        Assert.False(Directory.Exists(Pool));
        Assert.Empty(MountTable.Read().At(Pool));
        Assert.DoesNotContain(LoopDevice.List(), loop => loop.BackingFile.Contains("fast.img", StringComparison.Ordinal) && loop.BackingFile.StartsWith(_daemon.Root, StringComparison.Ordinal));
        Assert.False(File.Exists(Path.Combine(_daemon.ConfigurationDirectory, "conf.d", "pool-fast.json")));
        if (Directory.Exists(Path.GetDirectoryName(Image)))
            Assert.DoesNotContain(Directory.GetFileSystemEntries(Path.GetDirectoryName(Image)!), file => file != Image);
    }

    private static void WriteRandom(Microsoft.Win32.SafeHandles.SafeFileHandle file, int mebibytes)
    {
        var block = new byte[1 << 20];
        for (var i = 0; i < mebibytes; i++)
        {
            Random.Shared.NextBytes(block);
            Files.WriteAll(file, (long)i << 20, block);
        }
        Files.Flush(file);
    }
}
