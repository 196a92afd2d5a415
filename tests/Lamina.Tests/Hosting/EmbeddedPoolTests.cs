using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Hosting;

/// <summary>The first start on a host where the embedded pool can't be made: the daemon runs, says why, and serves a pool elsewhere.</summary>
public sealed class EmbeddedPoolTests
{
    [Fact]
    public async Task Start_WhereTheStateDirectoryCantBeMade_RunsAndSaysWhy()
    {
        var inTheWay = TestScratch.NewPath("file");
        await File.WriteAllTextAsync(inTheWay, "in the way");

        await AssertServesElsewhereAsync(Path.Combine(inTheWay, "state"));

        Assert.Equal("in the way", await File.ReadAllTextAsync(inTheWay));
    }

    [Fact]
    public async Task Start_OnAFileSystemThatCarriesNoOverlay_RunsAndLeavesNothingThere()
    {
        var (overlay, layers) = (TestScratch.NewDirectory("overlay"), TestScratch.NewDirectory("layers"));
        foreach (var name in (string[])["lower", "upper", "work"])
            Directory.CreateDirectory(Path.Combine(layers, name));
        var options = new OverlayOptions
        {
            LowerDirectories = [Path.Combine(layers, "lower")],
            UpperDirectory = Path.Combine(layers, "upper"),
            WorkDirectory = Path.Combine(layers, "work"),
        };
        using (var mount = Mounts.CreateOverlay(options, MountAttributes.None))
            Mounts.Attach(mount, overlay);
        try
        {
            // An empty one might be the mount point of a missing disk, where nothing would be tried.
            await File.WriteAllTextAsync(Path.Combine(overlay, "file"), "");

            await AssertServesElsewhereAsync(Path.Combine(overlay, "var/state"));

            Assert.Equal([Path.Combine(overlay, "file")], Directory.EnumerateFileSystemEntries(overlay));
        }
        finally
        {
            MountCleanup.UnmountBeneath(overlay);
        }
    }

    [Fact]
    public async Task Start_WhereTheDirectoryAboveMayBeTheMountPointOfAMissingDisk_MakesNothing()
    {
        var disk = TestScratch.NewDirectory("mount-point");

        await AssertServesElsewhereAsync(Path.Combine(disk, "state"));

        Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
    }

    private static async Task AssertServesElsewhereAsync(string stateDirectory)
    {
        await using var daemon = await TestDaemon.StartAsync($"--stateDirectory={stateDirectory}");
        for (var start = 0; start < 2; start++)
        {
            Assert.Contains("not loaded: ", await CliRun.OkAsync(daemon, "pool", "ls"), StringComparison.Ordinal);
            Assert.Equal(7, (await CliRun.RunAsync(daemon, "volume", "create", "v")).ExitCode);
            await daemon.StartAgainAsync();
        }

        await CliRun.OkAsync(daemon, "pool", "init", "first", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "first"));

        Assert.Equal("first", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "v"))["pool"]);
    }
}
