using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>Pools that can't be served: the daemon says why, serves the others, touches nothing, and takes nothing for gone.</summary>
public sealed class PoolsOutOfReachTests
{
    [Fact]
    public async Task Pool_WhoseDirectoryIsMissing_IsUnavailableAndNotMade()
    {
        var path = TestScratch.NewPath("missing");

        await AssertOutOfReachAsync(new PoolPlace("bad", PoolBackend.Overlay2, path), $"{path} does not exist; is its disk mounted?");

        Assert.False(Path.Exists(path));
    }

    [Fact]
    public async Task Pool_OfAnUnknownFormat_IsUnavailableAndUntouched()
    {
        var pool = PoolPlace.Make("later");
        await File.WriteAllTextAsync(Path.Combine(pool.Path, "pool.json"), """{ "format": 7, "id": "aaaaaaaaaaaaa", "backend": "Overlay2" }""");

        await AssertOutOfReachAsync(pool, "has format version 7, and this daemon knows only 1; nothing was touched");
    }

    [Fact]
    public async Task Pool_OfAnotherBackendThanConfigured_IsUnavailableAndUntouched()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        var pool = PoolPlace.Make("other", PoolBackend.Overlay2, disk);

        await AssertOutOfReachAsync(pool with { Backend = PoolBackend.Btrfs }, "was made for Overlay2, but is configured as Btrfs");
    }

    [Fact]
    public async Task Pool_OnAReadOnlyMount_IsUnavailable()
    {
        var pool = PoolPlace.Make("frozen");
        using (var directory = Files.OpenDirectory(pool.Path))
        using (var tree = Mounts.CloneTree(directory))
        {
            Mounts.SetAttributes(tree, MountAttributes.ReadOnly, MountAttributes.None);
            Mounts.Attach(tree, pool.Path);
        }
        try
        {
            await AssertOutOfReachAsync(pool, "is mounted read-only");
        }
        finally
        {
            MountCleanup.UnmountBeneath(pool.Path);
        }
    }

    // A pool on ext4, seen through an overlay over it: as a daemon in a container sees its own root.
    [Fact]
    public async Task Pool_OnOverlay_IsUnavailable()
    {
        using var overlay = new OverlayDirectory(PoolPlace.Make("beneath").Path);

        await AssertOutOfReachAsync(new PoolPlace("bad", PoolBackend.Overlay2, overlay.Path), "(overlay) can't carry overlay volumes", "Use ext4, XFS or Btrfs");
    }

    [Fact]
    public async Task PoolInit_OnOverlay_IsRefusedAndLeavesNothing()
    {
        using var overlay = new OverlayDirectory(TestScratch.NewDirectory("lower"));

        await AssertInitRefusedAsync(Path.Combine(overlay.Path, "pool"), "(overlay) can't carry overlay volumes");
    }

    // It has no extended attributes, as little as vfat.
    [Fact]
    public async Task PoolInit_OnAFileSystemWithoutAttributes_IsRefusedAndLeavesNothing()
    {
        var path = TestScratch.NewDirectory("ramfs");
        using (var mount = Mounts.CreateFileSystem("ramfs", "none", [], MountAttributes.None))
            Mounts.Attach(mount, path);
        try
        {
            await AssertInitRefusedAsync(Path.Combine(path, "pool"), "can't carry overlay volumes", "Use ext4, XFS or Btrfs");
        }
        finally
        {
            MountCleanup.UnmountBeneath(path);
        }
    }

    [Fact]
    public async Task Pool_OfAnotherDaemon_IsUnavailableAndTheOtherServesOn()
    {
        var pool = PoolPlace.Make("shared");
        await using var first = await CsiDaemon.StartAsync(pool.Arguments);
        var volume = (await first.CreateAsync()).VolumeId;

        await AssertOutOfReachAsync(pool, $"another daemon (process {Environment.ProcessId}) serves the pool at {pool.Path}; one pool has one daemon");

        await first.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        await first.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    [Fact]
    public async Task Pool_WhoseDiskIsMountedLate_ComesBackWithoutARestart()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        var pool = PoolPlace.Make("late", PoolBackend.Overlay2, disk);
        string volume;
        await using (var before = await CsiDaemon.StartAsync(pool.Arguments))
        {
            volume = (await before.CreateAsync("kept")).VolumeId;
            await before.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        }
        disk.Unmount();

        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.CreateVolumeAsync(Requests.CreateVolume("kept")));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, daemon.NewStagingPath())));
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.MountPoint));

        disk.Mount();
        await Eventually.TrueAsync(() => IsServed(daemon, volume), "the pool is tried again");
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    private static bool IsServed(CsiDaemon daemon, string volume)
    {
        try
        {
            daemon.Controller.ControllerGetVolume(new() { VolumeId = volume });
            return true;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
        {
            return false;
        }
    }

    // A daemon that has this pool and a good one.
    private static async Task AssertOutOfReachAsync(PoolPlace pool, params string[] messages)
    {
        pool = pool with { Name = "bad" };
        var before = pool.Listing();
        await using var daemon = await CsiDaemon.StartAsync([.. pool.Arguments, .. PoolPlace.Make("good").Arguments, "--pools:good:default=true"]);

        var inspected = await CliRun.JsonAsync(daemon.Daemon, "pool", "inspect", "bad");
        Assert.False((bool)inspected["loaded"]!);
        Assert.All(messages, message => Assert.Contains(message, (string)inspected["problem"]!, StringComparison.Ordinal));
        Assert.Equal(1, (await CliRun.RunAsync(daemon.Daemon, "doctor")).ExitCode);

        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["pool"] = "bad";
        var detail = await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.CreateVolumeAsync(request));
        Assert.All(messages, message => Assert.Contains(message, detail, StringComparison.Ordinal));

        // Its volumes are not "already deleted", and the good pool works.
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = "aaaaaaaaaaaaa.data" }));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = "aaaaaaaaaaaaa.data" }));
        await daemon.CreateAsync();
        Assert.Equal(before, pool.Listing());
    }

    private static async Task AssertInitRefusedAsync(string path, params string[] messages)
    {
        await using var daemon = await TestDaemon.StartAsync();

        var run = await CliRun.RunAsync(daemon, "pool", "init", "unfit", "--backend", "overlay2", "--path", path);

        Assert.NotEqual(0, run.ExitCode);
        Assert.All(messages, message => Assert.Contains(message, run.Error, StringComparison.Ordinal));
        Assert.True(!Path.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any());
        Assert.Equal("default", (string?)Assert.Single((await CliRun.JsonAsync(daemon, "pool", "ls")).AsArray())!["name"]);
    }

    /// <summary>An overlay mount over a directory.</summary>
    private sealed class OverlayDirectory : IDisposable
    {
        internal OverlayDirectory(string lower)
        {
            Mounts.MountOverlay(
                new OverlayOptions { LowerDirectories = [lower], UpperDirectory = TestScratch.NewDirectory("upper"), WorkDirectory = TestScratch.NewDirectory("work") },
                Path,
                MountAttributes.None);
        }

        internal string Path { get; } = TestScratch.NewDirectory("overlay");

        public void Dispose() => MountCleanup.UnmountBeneath(Path);
    }
}
