using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Hosting;

/// <summary>
/// The embedded pool: where it can't be made, the daemon runs, says why, and serves a pool elsewhere; where it was made, it stays served beside all that
/// is configured later.
/// </summary>
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_WithPoolsThatWereConfiguredLater_StillServesItsVolumes(bool otherIsDefault)
    {
        var (state, volume) = await MakeVolumeAsync();
        await using var daemon = await StartAsync(state, "fast", TestScratch.NewPath("fast"), otherIsDefault);

        // Before the new pool is made, as on every node of a cluster after an upgrade.
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", volume))["pool"]);
        await CliRun.OkAsync(daemon, "pool", "init", "fast");

        Assert.Equal([$"default: {(otherIsDefault ? "no" : "default")}, served", $"fast: {(otherIsDefault ? "default" : "no")}, served"], await PoolsAsync(daemon));
        Assert.Equal(otherIsDefault ? "fast" : "default", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "w"))["pool"]);
        await CliRun.OkAsync(daemon, "volume", "rm", volume);
    }

    [Fact]
    public async Task Start_WithItsNameTakenLater_ServesItByAnotherOne()
    {
        var (state, volume) = await MakeVolumeAsync();
        await using var daemon = await StartAsync(state, "default", TestScratch.NewPath("other"), isDefault: true);
        await CliRun.OkAsync(daemon, "pool", "init", "default");

        Assert.Equal(["default: default, served", "default-2: no, served"], await PoolsAsync(daemon));
        Assert.Equal("default-2", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", volume))["pool"]);
    }

    [Fact]
    public async Task Start_WithItConfiguredByANameOfItsOwn_ServesItOnce()
    {
        var (state, volume) = await MakeVolumeAsync();
        await using var daemon = await StartAsync(state, "main", Path.Combine(state, "pools", "default"), isDefault: false);

        Assert.Equal(["main: no, served"], await PoolsAsync(daemon));
        Assert.Equal("main", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", volume))["pool"]);
    }

    [Fact]
    public async Task Start_WithACopyOfItConfigured_ServesTheCopyAlone()
    {
        var (state, volume) = await MakeVolumeAsync();
        var copy = TestScratch.NewPath("copy");
        Assert.Equal(0, (await ChildProcess.RunAsync("cp", ["-a", Path.Combine(state, "pools", "default"), copy], TestContext.Current.CancellationToken)).ExitCode);
        await using var daemon = await StartAsync(state, "main", copy, isDefault: false);

        Assert.Equal(["main: no, served"], await PoolsAsync(daemon));
        Assert.Equal("main", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", volume))["pool"]);
    }

    [Fact]
    public async Task Start_WithPoolsConfiguredAfterItWasForgotten_DoesNotWaitForIt()
    {
        var (state, volume) = await MakeVolumeAsync();
        await File.WriteAllTextAsync(Path.Combine(state, "forgotten-pools"), volume.Split('.')[0] + "\n");
        await using var daemon = await StartAsync(state, "fast", TestScratch.NewPath("fast"), isDefault: true);
        await CliRun.OkAsync(daemon, "pool", "init", "fast");

        Assert.Equal(["fast: default, served"], await PoolsAsync(daemon));
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "volume", "inspect", volume)).ExitCode);
    }

    [Fact]
    public async Task Start_WithPoolsConfiguredAndItsDiskLate_ServesItWhenTheDiskComes()
    {
        var (state, volume) = await MakeVolumeAsync();
        Directory.Move(state, state + ".disk");
        Directory.CreateDirectory(state);
        await using var daemon = await StartAsync(state, "fast", TestScratch.NewPath("fast"), isDefault: true);
        await CliRun.OkAsync(daemon, "pool", "init", "fast");
        Assert.Equal(7, (await CliRun.RunAsync(daemon, "volume", "inspect", volume)).ExitCode);

        Directory.Delete(state);
        Directory.Move(state + ".disk", state);

        var pools = daemon.Services.GetRequiredService<PoolSet>();
        await Eventually.TrueAsync(() => pools.Loaded.Any(pool => pool.Name == PoolName.Default), "the pool on the disk is served");
        Assert.Equal(["default: no, served", "fast: default, served"], await PoolsAsync(daemon));
        await CliRun.OkAsync(daemon, "volume", "inspect", volume);
    }

    [Fact]
    public async Task Init_OfAnotherDefaultBesideIt_TakesItsMarkAway()
    {
        var (state, volume) = await MakeVolumeAsync();
        await using var daemon = await StartAsync(state, "fast", TestScratch.NewPath("fast"), isDefault: false);
        await CliRun.OkAsync(daemon, "pool", "init", "fast");

        await CliRun.OkAsync(daemon, "pool", "init", "third", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "third"), "--default");

        string[] expected = ["default: no, served", "fast: no, served", "third: default, served"];
        Assert.Equal(expected, await PoolsAsync(daemon));
        await daemon.StartAgainAsync();
        Assert.Equal(expected, await PoolsAsync(daemon));
        await CliRun.OkAsync(daemon, "volume", "inspect", volume);
    }

    // The volume's id, and the state directory of a daemon that nothing was configured for.
    private static async Task<(string StateDirectory, string Volume)> MakeVolumeAsync()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var volume = (string)(await CliRun.JsonAsync(daemon, "volume", "create", "v"))["id"]!;
        await daemon.StopAsync();
        return (daemon.StateDirectory, volume);
    }

    private static Task<TestDaemon> StartAsync(string stateDirectory, string pool, string path, bool isDefault) => TestDaemon.StartAsync(
        $"--stateDirectory={stateDirectory}", $"--pools:{pool}:backend=overlay2", $"--pools:{pool}:path={path}", $"--pools:{pool}:default={(isDefault ? "true" : "false")}");

    private static async Task<IEnumerable<string>> PoolsAsync(TestDaemon daemon) => (await CliRun.JsonAsync(daemon, "pool", "ls")).AsArray()
        .Select(pool => $"{pool!["name"]}: {((bool)pool["default"]! ? "default" : "no")}, {((bool)pool["loaded"]! ? "served" : "not served")}");

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
