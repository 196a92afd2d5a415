using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Crashes;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>A container that has not ended still has a volume in its own mount namespace, where this host can't see it, after the volume was unstaged.</summary>
public sealed class OtherNamespaceTests
{
    [Fact]
    public async Task Overlay_HeldByAContainer_IsNotSealedNorMountedAgainNorDeleted()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        var pool = PoolPlace.Make("pool", PoolBackend.Overlay2, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var volume = (await daemon.CreateAsync()).VolumeId;
        using (var held = await DetachedButHeldAsync(daemon, volume))
        {
            // Each would give the container's writes two owners, or none.
            await AssertRefusedAsync(daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume }));
            var clone = Requests.CreateVolume(CsiDaemon.NewName());
            clone.VolumeContentSource = Requests.FromVolume(volume);
            await AssertRefusedAsync(daemon.Controller.CreateVolumeAsync(clone));
            await AssertRefusedAsync(daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, daemon.NewStagingPath())));
            await AssertRefusedAsync(daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));

            await daemon.RestartAsync();
            await AssertRefusedAsync(daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
            await File.AppendAllTextAsync(Path.Combine(held.Path, "file"), " and more");
        }

        await AssertUsableAsync(daemon, pool, volume, inSnapshot: "content and more");
    }

    [Fact]
    public async Task Btrfs_HeldByAContainer_IsOneTreeToAllAndNotDeleted()
    {
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        var pool = PoolPlace.Make("pool", PoolBackend.Btrfs, disk);
        await using var daemon = await CsiDaemon.StartAsync(pool.Arguments);
        var volume = (await daemon.CreateAsync()).VolumeId;
        using (var held = await DetachedButHeldAsync(daemon, volume))
        {
            await AssertRefusedAsync(daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
            var snapshot = (await daemon.SnapshotAsync(volume)).SnapshotId;
            await daemon.UseAsync(volume, path => File.AppendAllText(Path.Combine(path, "file"), " and more"));
            Assert.Equal("content and more", await File.ReadAllTextAsync(Path.Combine(held.Path, "file")));
            await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        }

        await AssertUsableAsync(daemon, pool, volume, inSnapshot: "content and more");
    }

    private static async Task<OtherMountNamespace.HeldMount> DetachedButHeldAsync(CsiDaemon daemon, string volume)
    {
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "content");
        var held = OtherMountNamespace.Hold(target);
        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(held.Path, "file")));
        return held;
    }

    private static async Task AssertRefusedAsync<T>(AsyncUnaryCall<T> call) =>
        Assert.Contains("is still mounted", await Refused.AsAsync(StatusCode.FailedPrecondition, call), StringComparison.Ordinal);

    private static async Task AssertUsableAsync(CsiDaemon daemon, PoolPlace pool, string volume, string inSnapshot)
    {
        var snapshot = (await daemon.SnapshotAsync(volume)).SnapshotId;
        await daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "later"));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        var restored = (await daemon.CreateAsync(source: Requests.FromSnapshot(snapshot))).VolumeId;
        await daemon.UseAsync(restored, path => Assert.Equal(inSnapshot, File.ReadAllText(Path.Combine(path, "file"))));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = restored });
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        await new PoolOnDisk(pool.Backend, pool.Path).IsTidyAsync();
    }
}
