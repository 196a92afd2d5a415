using Grpc.Core;
using RpcType = Csi.V1.NodeServiceCapability.Types.RPC.Types.Type;
using Unit = Csi.V1.VolumeUsage.Types.Unit;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class NodeInfoTests(CsiDaemon daemon)
{
    [Fact]
    public async Task NodeGetInfo_Always_NamesTheNodeAndItsPlace()
    {
        var info = await daemon.NodeService.NodeGetInfoAsync(new());
        Assert.Equal(CsiDaemon.Node, info.NodeId);
        Assert.Equal(0, info.MaxVolumesPerNode);
        Assert.Equal(Requests.Place(CsiDaemon.Node), info.AccessibleTopology);
    }

    [Fact]
    public async Task NodeGetCapabilities_Always_OffersWhatThereIs() => Assert.Equal(
        [RpcType.StageUnstageVolume, RpcType.GetVolumeStats, RpcType.ExpandVolume, RpcType.SingleNodeMultiWriter, RpcType.VolumeMountGroup],
        (await daemon.NodeService.NodeGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type));

    [Fact]
    public async Task NodeGetVolumeStats_OfAVolumeWithASize_CountsInTheVolumesTerms()
    {
        var volume = (await daemon.CreateAsync(size: 64 << 20)).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        foreach (var path in (string[])[target, staging, target + "/"])
        {
            var stats = await daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = path, StagingTargetPath = staging });
            Assert.Null(stats.VolumeCondition);
            var bytes = Assert.Single(stats.Usage, usage => usage.Unit == Unit.Bytes);
            Assert.Equal(64 << 20, bytes.Total);
            Assert.InRange(bytes.Available, 1, 64 << 20);
            Assert.InRange(bytes.Used, 0, 1 << 20);
            var inodes = Assert.Single(stats.Usage, usage => usage.Unit == Unit.Inodes);
            Assert.InRange(inodes.Available, 1, inodes.Total);
        }
    }

    [Fact]
    public async Task NodeGetVolumeStats_OfAVolumeWithoutASize_HasThePoolsCapacity()
    {
        var volume = (await daemon.CreateAsync(size: null)).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var bytes = (await daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = staging })).Usage.Single(usage => usage.Unit == Unit.Bytes);
        Assert.Equal(new DriveInfo(daemon.Kubelet).TotalSize, bytes.Total);
    }

    [Fact]
    public async Task NodeGetVolumeStats_AtAPathThatIsNotTheVolumes_IsNotFound()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var other = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        foreach (var (id, path) in ((string, string)[])
            [
                (volume, "some/path"), (volume, "/etc"), (volume, Path.GetDirectoryName(target)!), (volume, target + "/sub"), (volume, target + "/../mount"),
                (volume, "/proc/self/root" + target), (other, target), (other, staging), ("nowhere", "some/path"),
            ])
        {
            await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = id, VolumePath = path }));
        }
        await daemon.UnpublishAsync(volume, target);
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = target }));
        Directory.Delete(staging);
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = staging }));
        await daemon.UnstageAsync(volume, staging);
    }

    [Fact]
    public async Task NodeGetVolumeStats_WithoutIdOrPath_IsInvalid()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumePath = "some/path" }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = "nowhere" }));
    }
}
