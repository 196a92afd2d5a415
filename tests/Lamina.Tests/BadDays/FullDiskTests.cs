using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Crashes;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>
/// A disk without room: what needs some is refused as exhausted and leaves nothing half made, what gives some works. Inodes end one by one, so every
/// step of a call is once the one that fails.
/// </summary>
public sealed class FullDiskTests
{
    private const int MostNeeded = 16;

    [Fact]
    public async Task Overlay_OnADiskWithoutInodes_FailsWholeAndDeletes()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, size: 16 << 20);
        var pool = PoolPlace.Make("full", PoolBackend.Overlay2, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var (volume, snapshot) = await FillAsync(daemon);
        var fillers = TakeAllInodes(disk);
        await daemon.RestartAsync();

        var refusals = 0;
        for (var free = 0; free < MostNeeded; free++)
        {
            Func<Task>[] calls =
            [
                async () => await DeleteAsync(daemon, await daemon.CreateAsync(size: null)),
                async () => await DeleteAsync(daemon, await daemon.CreateAsync(size: null, source: Requests.FromSnapshot(snapshot))),
                async () => await DeleteAsync(daemon, await daemon.CreateAsync(size: null, source: Requests.FromVolume(volume))),
                async () => await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = (await daemon.SnapshotAsync(volume)).SnapshotId }),
            ];
            foreach (var call in calls)
            {
                refusals += await IsExhaustedAsync(call) ? 1 : 0;
                await AssertOnlyAsync(daemon, pool, volume, snapshot);
            }
            File.Delete(fillers.Dequeue());
        }

        Assert.InRange(refusals, 4, (MostNeeded * 4) - 1);
        // What was written is sealed once, not once for every snapshot that failed afterwards.
        Assert.Equal(2, new PoolOnDisk(pool.Backend, pool.Path).LayersOf("volume"));
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
        await EmptyAsync(daemon, pool, volume, snapshot);
    }

    // The kernel would mount it read-only, with a line in its log, and whoever uses the volume would find out by his data.
    [Fact]
    public async Task Attach_OnADiskWithoutInodes_IsRefusedOrWritable()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, size: 16 << 20);
        var pool = PoolPlace.Make("full", PoolBackend.Overlay2, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var volumes = new Queue<string>();
        for (var i = 0; i < 8; i++)
            volumes.Enqueue((await daemon.CreateAsync()).VolumeId);
        var fillers = TakeAllInodes(disk);

        var refusals = 0;
        while (volumes.TryPeek(out var volume))
        {
            var staging = daemon.NewStagingPath();
            if (await IsExhaustedAsync(async () => await daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging))))
            {
                refusals++;
                Assert.Equal(0, CsiDaemon.MountsAt(daemon.Daemon.RuntimeDirectory));
                File.Delete(fillers.Dequeue());
                continue;
            }
            var target = await daemon.PublishAsync(volume, staging);
            File.Delete(fillers.Dequeue());
            await File.WriteAllTextAsync(Path.Combine(target, "file"), "content");
            await daemon.UnpublishAsync(volume, target);
            await daemon.UnstageAsync(volume, staging);
            volumes.Dequeue();
        }

        Assert.InRange(refusals, 1, MostNeeded);
    }

    [Theory]
    [InlineData(PoolBackend.Overlay2, FileSystemKind.Ext4)]
    [InlineData(PoolBackend.Overlay2, FileSystemKind.Btrfs)]
    [InlineData(PoolBackend.Btrfs, FileSystemKind.Btrfs)]
    public async Task Pool_OnADiskWithoutSpace_FailsWholeAndDeletesAndGivesItBack(PoolBackend backend, FileSystemKind fileSystem)
    {
        using var disk = await LoopDisk.CreateAsync(fileSystem, size: 128 << 20);
        var pool = PoolPlace.Make("full", backend, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var (volume, snapshot) = await FillAsync(daemon);
        var large = (await daemon.CreateAsync("large")).VolumeId;
        await daemon.UseAsync(large, path => FillUp(Path.Combine(path, "file")));

        await Refused.AsAsync(StatusCode.ResourceExhausted, daemon.Controller.CreateVolumeAsync(Requests.CreateVolume("more")));
        await Refused.AsAsync(StatusCode.ResourceExhausted, daemon.Controller.CreateSnapshotAsync(new() { Name = "more", SourceVolumeId = large }));
        Assert.Equal(0, (await daemon.Controller.GetCapacityAsync(new())).AvailableCapacity);
        // Staged and published it can be: only the deletion of the large one gives space back.
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));

        await daemon.RestartAsync();
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = large });
        await AssertOnlyAsync(daemon, pool, volume, snapshot);
        await Eventually.TrueAsync(() => daemon.Controller.GetCapacity(new()).AvailableCapacity > 32 << 20, "the space comes back");
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = (await daemon.CreateAsync("more")).VolumeId });
        await EmptyAsync(daemon, pool, volume, snapshot);
    }

    private static async Task<(string Volume, string Snapshot)> FillAsync(CsiDaemon daemon)
    {
        var volume = (await daemon.CreateAsync("volume", size: null)).VolumeId;
        await daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var snapshot = (await daemon.SnapshotAsync(volume, "snapshot")).SnapshotId;
        await daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "later"), "content"));
        return (volume, snapshot);
    }

    private static async Task DeleteAsync(CsiDaemon daemon, global::Csi.V1.Volume volume) =>
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });

    private static async Task<bool> IsExhaustedAsync(Func<Task> call)
    {
        try
        {
            await call();
            return false;
        }
        catch (RpcException e)
        {
            Assert.True(e.StatusCode == StatusCode.ResourceExhausted, $"{e.StatusCode}: {e.Status.Detail}");
            return true;
        }
    }

    // Nothing but these two, for the daemon and on the disk.
    private static async Task AssertOnlyAsync(CsiDaemon daemon, PoolPlace pool, string volume, string snapshot)
    {
        Assert.Equal(volume, Assert.Single((await daemon.Controller.ListVolumesAsync(new())).Entries).Volume.VolumeId);
        Assert.Equal(snapshot, Assert.Single((await daemon.Controller.ListSnapshotsAsync(new())).Entries).Snapshot.SnapshotId);
        var disk = new PoolOnDisk(pool.Backend, pool.Path);
        Assert.Equal(["volume"], disk.Names("volumes"));
        Assert.Equal(["snapshot"], disk.Names("snapshots"));
        await disk.IsTidyAsync();
    }

    private static async Task EmptyAsync(CsiDaemon daemon, PoolPlace pool, string volume, string snapshot)
    {
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        await new PoolOnDisk(pool.Backend, pool.Path).IsTidyAsync();
    }

    private static Queue<string> TakeAllInodes(LoopDisk disk)
    {
        var directory = disk.NewDirectory("fillers");
        var files = new Queue<string>();
        try
        {
            while (true)
            {
                var path = Path.Combine(directory, FormattableString.Invariant($"{files.Count}"));
                File.Create(path).Dispose();
                files.Enqueue(path);
            }
        }
        catch (IOException)
        {
            Assert.Equal(0UL, Files.StatFs(disk.Root).FreeInodes);
            return files;
        }
    }

    private static void FillUp(string path)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0);
        foreach (var size in (int[])[1 << 20, 64 << 10, 4 << 10])
        {
            var block = new byte[size];
            Random.Shared.NextBytes(block);
            try
            {
                while (true)
                {
                    file.Write(block);
                    file.Flush(flushToDisk: size < 1 << 20);
                }
            }
            catch (IOException)
            {
                // No more of this size.
            }
        }
    }
}
