using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>The life of volumes in a ZFS pool, as an orchestrator sees it.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsVolumeTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private const long Size = 32 << 20;
    private CsiDaemon _daemon = null!;
    private string _dataset = null!;

    public async ValueTask InitializeAsync()
    {
        _dataset = fileSystem.NewDataset();
        _daemon = await CsiDaemon.StartAsync(await CsiPools.ZfsAsync("tank", _dataset));
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await ZfsFileSystem.DestroyAsync(_dataset);
    }

    [Fact]
    public async Task Volume_StagedAndPublished_IsWrittenToAndKeepsItsFilesOverARestart()
    {
        var volume = (await _daemon.CreateAsync(size: Size)).VolumeId;
        var staging = await _daemon.StageAsync(volume);
        var target = await _daemon.PublishAsync(volume, staging);
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "content");

        await _daemon.RestartAsync();

        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(target, "file")));
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
        Assert.DoesNotContain(MountTable.Read().Entries, mount => mount.Source.StartsWith(_dataset, StringComparison.Ordinal));
        await _daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task Snapshot_OfAVolumeInUse_OutlivesItAndIsRestored()
    {
        var volume = (await _daemon.CreateAsync(size: Size)).VolumeId;
        string? snapshot = null;
        await _daemon.UseAsync(volume, path =>
        {
            File.WriteAllText(Path.Combine(path, "file"), "then");
            snapshot = _daemon.SnapshotAsync(volume).GetAwaiter().GetResult().SnapshotId;
            File.WriteAllText(Path.Combine(path, "file"), "now");
        });
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });

        var restored = await _daemon.CreateAsync(size: Size, source: Requests.FromSnapshot(snapshot!));
        await _daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });

        await _daemon.UseAsync(restored.VolumeId, path => Assert.Equal("then", File.ReadAllText(Path.Combine(path, "file"))));
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = restored.VolumeId });
        await IsEmptyAsync();
    }

    [Fact]
    public async Task Group_OfVolumesInUse_HasWhatTheyHad()
    {
        var volumes = new List<(string Id, string Staging, string Target)>();
        foreach (var name in (string[])["a", "b"])
        {
            var id = (await _daemon.CreateAsync(size: Size)).VolumeId;
            var staging = await _daemon.StageAsync(id);
            volumes.Add((id, staging, await _daemon.PublishAsync(id, staging)));
            await File.WriteAllTextAsync(Path.Combine(volumes[^1].Target, "file"), $"then {id}");
        }

        var group = (await _daemon.GroupController.CreateVolumeGroupSnapshotAsync(new() { Name = "both", SourceVolumeIds = { volumes.Select(volume => volume.Id) } })).GroupSnapshot;

        foreach (var (id, staging, target) in volumes)
        {
            await File.WriteAllTextAsync(Path.Combine(target, "file"), "now");
            await _daemon.UnpublishAsync(id, target);
            await _daemon.UnstageAsync(id, staging);
        }
        Assert.Equal(2, group.Snapshots.Count);
        foreach (var snapshot in group.Snapshots)
        {
            var restored = await _daemon.CreateAsync(size: Size, source: Requests.FromSnapshot(snapshot.SnapshotId));
            await _daemon.UseAsync(restored.VolumeId, path => Assert.Equal($"then {snapshot.SourceVolumeId}", File.ReadAllText(Path.Combine(path, "file"))));
            await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = restored.VolumeId });
        }
        await _daemon.GroupController.DeleteVolumeGroupSnapshotAsync(new() { GroupSnapshotId = group.GroupSnapshotId, SnapshotIds = { group.Snapshots.Select(snapshot => snapshot.SnapshotId) } });
        foreach (var (id, _, _) in volumes)
            await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id });
        await IsEmptyAsync();
    }

    [Fact]
    public async Task Volume_Expanded_HasItsNewSizeAtOnce()
    {
        var volume = (await _daemon.CreateAsync(size: Size)).VolumeId;
        var staging = await _daemon.StageAsync(volume);
        var target = await _daemon.PublishAsync(volume, staging);

        var answer = await _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume, CapacityRange = new() { RequiredBytes = 2 * Size } });

        Assert.Equal(2 * Size, answer.CapacityBytes);
        var usage = (await _daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = target })).Usage;
        var space = usage.First(one => one.Unit == Wire.VolumeUsage.Types.Unit.Bytes);
        Assert.Equal(2 * Size, space.Total);
        Assert.InRange(space.Used, 1, Size);
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
    }

    [Fact]
    public async Task Volume_WithParametersAndAttributes_IsADatasetWithThem()
    {
        var request = Requests.CreateVolume("tuned");
        request.CapacityRange = new() { RequiredBytes = Size };
        request.Parameters.Add(new Dictionary<string, string> { ["compression"] = "gzip", ["recordsize"] = "16K", ["atime"] = "off", ["logbias"] = "throughput", ["reserve"] = "true" });
        var volume = (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
        Assert.Equal(volume, (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId);
        Assert.Equal("gzip 16384 off throughput 33554432 33554432", await PropertiesAsync("tuned"));

        await _daemon.Controller.ControllerModifyVolumeAsync(new() { VolumeId = volume, MutableParameters = { ["compression"] = "zle", ["recordsize"] = "8Ki" } });
        Assert.Equal("zle 8192 off throughput 33554432 33554432", await PropertiesAsync("tuned"));
        await _daemon.RestartAsync();

        await _daemon.Controller.ControllerModifyVolumeAsync(new() { VolumeId = volume, MutableParameters = { ["atime"] = "on" } });
        Assert.Equal("zle 8192 on throughput 33554432 33554432", await PropertiesAsync("tuned"));
    }

    [Fact]
    public async Task Volume_OfASortThatThePoolHasNot_IsRefusedClearly()
    {
        var lzo = Requests.CreateVolume("lzo");
        lzo.Parameters["compression"] = "lzo";
        Assert.Contains("possible are none, on,", (await RefusedAsync(lzo)).Detail, StringComparison.Ordinal);
        var tuned = Requests.CreateVolume("tuned");
        tuned.Parameters["volblocksize"] = "8Ki";
        Assert.Contains("volblocksize", (await RefusedAsync(tuned)).Detail, StringComparison.Ordinal);
        if (ZfsFileSystem.IsInKernel)
            return;

        var block = Requests.CreateVolume("block");
        block.VolumeCapabilities[0] = Requests.Block();
        var ext4 = Requests.CreateVolume("ext4");
        ext4.VolumeCapabilities[0] = Requests.Mount(fileSystem: "ext4");
        var encrypted = Requests.CreateVolume("encrypted");
        encrypted.Parameters["encryption"] = "on";
        Assert.Contains("has no encryption", (await RefusedAsync(encrypted)).Detail, StringComparison.Ordinal);
        Assert.Contains("raw block volumes, as zfs-fuse has no block devices", (await RefusedAsync(block)).Detail, StringComparison.Ordinal);
        Assert.Contains("'ext4' is not possible in pool 'tank': it would lie on a block device, and zfs-fuse has none", (await RefusedAsync(ext4)).Detail, StringComparison.Ordinal);
    }

    // On OpenZFS alone: zfs-fuse refuses them, as the test above tells.
    [Fact]
    public async Task Block_Published_IsADeviceThatLivesAsAnyOther()
    {
        Assert.SkipUnless(ZfsFileSystem.IsInKernel, "needs the block devices of OpenZFS: make test-guest");
        var volume = await CreateAsync(Requests.Block(), Size + 1);
        Assert.Equal(Size + (128 << 10), volume.CapacityBytes);
        var staging = await _daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = await _daemon.PublishAsync(volume.VolumeId, staging, Requests.Block());
        WriteDevice(target, 1 << 20, "then"u8);
        var older = (await _daemon.SnapshotAsync(volume.VolumeId)).SnapshotId;
        WriteDevice(target, 8 << 20, "now"u8);
        var newer = (await _daemon.SnapshotAsync(volume.VolumeId)).SnapshotId;

        Assert.Equal([(1L << 20, 4096L)], await RangesAsync(_daemon.SnapshotMetadata.GetMetadataAllocated(new() { SnapshotId = older }), message => message.BlockMetadata));
        Assert.Equal([(8L << 20, 4096L)], await RangesAsync(_daemon.SnapshotMetadata.GetMetadataDelta(new() { BaseSnapshotId = older, TargetSnapshotId = newer }), message => message.BlockMetadata));

        using (var device = Files.Open(target, OpenFlags.ReadOnly))
        {
            Assert.Equal(volume.CapacityBytes, BlockDevice.GetSize(device));
            var answer = await _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * Size } });
            Assert.Equal((2 * Size, 2 * Size), (answer.CapacityBytes, BlockDevice.GetSize(device)));
            await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume.VolumeId, TargetPath = target }));
        }
        await _daemon.RestartAsync();
        WriteDevice(target, 0, "after"u8);
        await _daemon.UnpublishAsync(volume.VolumeId, target);
        var readOnly = await _daemon.PublishAsync(volume.VolumeId, staging, Requests.Block(), readOnly: true);
        Assert.Equal(Errno.EPERM, Assert.Throws<LinuxException>(() => WriteDevice(readOnly, 0, "never"u8)).Errno);
        await _daemon.UnpublishAsync(volume.VolumeId, readOnly);
        await _daemon.UnstageAsync(volume.VolumeId, staging);

        foreach (var snapshot in (string[])[older, newer])
            await _daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
        await IsEmptyAsync();
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task FileSystem_OfItsOwn_LivesAsAnyOther(string type)
    {
        Assert.SkipUnless(ZfsFileSystem.IsInKernel, "needs the block devices of OpenZFS: make test-guest");
        const long size = 320L << 20;
        var capability = Requests.Mount(fileSystem: type);
        var volume = await CreateAsync(capability, size);
        var staging = await _daemon.StageAsync(volume.VolumeId, capability);
        var target = await _daemon.PublishAsync(volume.VolumeId, staging, capability);
        Assert.Equal(type, MountTable.Read().FindTop(target)!.FileSystemType);
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "then");
        var snapshot = (await _daemon.SnapshotAsync(volume.VolumeId)).SnapshotId;
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "now");
        await _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * size } });
        Assert.InRange((long)Files.StatFs(target).TotalBytes, size + (size / 2), 2 * size);

        var restored = await CreateAsync(Requests.Mount(), null, Requests.FromSnapshot(snapshot));
        await _daemon.UseAsync(restored.VolumeId, path => Assert.Equal("then", File.ReadAllText(Path.Combine(path, "file"))));

        await _daemon.UnpublishAsync(volume.VolumeId, target);
        await _daemon.UnstageAsync(volume.VolumeId, staging);
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
        await _daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = restored.VolumeId });
        await IsEmptyAsync();
    }

    private async Task<Wire.Volume> CreateAsync(Wire.VolumeCapability capability, long? size, Wire.VolumeContentSource? source = null)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeCapabilities[0] = capability;
        request.VolumeContentSource = source;
        if (size is { } required)
            request.CapacityRange = new() { RequiredBytes = required };
        return (await _daemon.Controller.CreateVolumeAsync(request)).Volume;
    }

    private static void WriteDevice(string path, long offset, ReadOnlySpan<byte> content)
    {
        var block = new byte[512];
        content.CopyTo(block);
        using var device = Files.Open(path, OpenFlags.ReadWrite);
        Files.WriteAll(device, offset, block);
    }

    private static async Task<List<(long Offset, long Length)>> RangesAsync<T>(AsyncServerStreamingCall<T> call, Func<T, IEnumerable<Wire.BlockMetadata>> ranges)
    {
        using (call)
        {
            return await call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken)
                .SelectMany(message => ranges(message)).Select(range => (range.ByteOffset, range.SizeBytes)).ToListAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Volume_Encrypted_IsStagedWithItsKeyAndNoOtherWhereZfsHasKeys()
    {
        var request = Requests.CreateVolume("secret");
        request.CapacityRange = new() { RequiredBytes = Size };
        request.Parameters["encryption"] = "on";
        request.Secrets["encryptionKey"] = "correct horse battery";
        if (!ZfsFileSystem.IsInKernel)
        {
            Assert.Contains("has no encryption", (await RefusedAsync(request)).Detail, StringComparison.Ordinal);
            return;
        }
        var volume = (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
        Assert.Equal("unavailable", await KeyAsync());

        var staging = await StageAsync(volume, "correct horse battery");
        var target = await _daemon.PublishAsync(volume, staging);
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "content");
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);

        Assert.Equal("unavailable", await KeyAsync());
        Assert.Equal(StatusCode.FailedPrecondition, (await Assert.ThrowsAsync<RpcException>(() => StageAsync(volume, null))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => StageAsync(volume, "something else"))).StatusCode);
        Assert.Equal("unavailable", await KeyAsync());
        staging = await StageAsync(volume, "correct horse battery");
        target = await _daemon.PublishAsync(volume, staging);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(target, "file")));
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
    }

    private async Task<string> StageAsync(string volume, string? key)
    {
        var path = _daemon.NewStagingPath();
        var request = Requests.Stage(volume, path, null);
        if (key is not null)
            request.Secrets["encryptionKey"] = key;
        await _daemon.NodeService.NodeStageVolumeAsync(request);
        return path;
    }

    private async Task<string> KeyAsync() => (await ZfsFileSystem.RunAsync("get", "-H", "-o", "value", "keystatus", $"{_dataset}/volumes/secret")).Trim();

    private async Task<Status> RefusedAsync(Wire.CreateVolumeRequest request) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await _daemon.Controller.CreateVolumeAsync(request))).Status;

    private async Task<string> PropertiesAsync(string key) => string.Join(' ', (await ZfsFileSystem.RunAsync(
        "get", "-Hp", "-o", "property,value", "compression,recordsize,atime,logbias,refquota,refreservation", $"{_dataset}/volumes/{key}"))
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[1]));

    private Task IsEmptyAsync() => Eventually.TrueAsync(
        () => ZfsFileSystem.RunAsync("list", "-H", "-r", "-t", "all", "-o", "name", _dataset).GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 4,
        "nothing but the four datasets of an empty pool is left");
}
