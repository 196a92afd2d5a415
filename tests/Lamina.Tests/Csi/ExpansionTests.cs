using Grpc.Core;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class ExpansionTests(CsiDaemon daemon)
{
    private const long Size = 1 << 20;

    [Fact]
    public async Task ControllerExpandVolume_ToMore_HasIt()
    {
        var volume = await daemon.CreateAsync(size: Size);
        var answer = await daemon.Controller.ControllerExpandVolumeAsync(new()
        {
            VolumeId = volume.VolumeId,
            CapacityRange = new() { RequiredBytes = 3 * Size, LimitBytes = 4 * Size },
            VolumeCapability = Requests.Mount(),
        });
        Assert.Equal(3 * Size, answer.CapacityBytes);
        Assert.False(answer.NodeExpansionRequired);
        Assert.Equal(3 * Size, await SizeOfAsync(volume.VolumeId));
    }

    [Fact]
    public async Task ControllerExpandVolume_ThatIsLargeEnough_StaysAsItIs()
    {
        var volume = await daemon.CreateAsync(size: 3 * Size);
        var answer = await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = Size } });
        Assert.Equal(3 * Size, answer.CapacityBytes);
    }

    [Fact]
    public async Task ControllerExpandVolume_EightAtOnce_IsFine()
    {
        var volume = await daemon.CreateAsync(size: Size);
        await Task.WhenAll(Enumerable.Range(1, 8).Select(i =>
            daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = i * Size } }).ResponseAsync));
        Assert.Equal(8 * Size, await SizeOfAsync(volume.VolumeId));
    }

    [Fact]
    public async Task ControllerExpandVolume_WithoutALimit_AnswersWhatWasAskedFor()
    {
        var volume = await daemon.CreateAsync(size: null);
        var answer = await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = Size } });
        Assert.Equal(Size, answer.CapacityBytes);
        Assert.Equal(0, await SizeOfAsync(volume.VolumeId));
    }

    [Fact]
    public async Task ControllerExpandVolume_Otherwise_SaysWhatIsWrong()
    {
        var volume = await daemon.CreateAsync(size: 3 * Size);
        var range = new global::Csi.V1.CapacityRange { RequiredBytes = 4 * Size };
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ControllerExpandVolumeAsync(new() { CapacityRange = range }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() }));
        await Refused.AsAsync(
            StatusCode.InvalidArgument, daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = -1 } }));
        await Refused.AsAsync(
            StatusCode.InvalidArgument,
            daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = range, VolumeCapability = Requests.Block() }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = "nowhere", CapacityRange = new() }));
        await Refused.AsAsync(
            StatusCode.OutOfRange, daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { LimitBytes = Size } }));
        Assert.Equal(3 * Size, await SizeOfAsync(volume.VolumeId));
    }

    [Fact]
    public async Task Controller_OfACluster_OffersExpansion() => Assert.Contains(RpcType.ExpandVolume, await OfferedAsync(daemon));

    [Fact]
    public async Task Controller_OfANode_LeavesExpansionToTheNode()
    {
        await using var local = await CsiDaemon.StartAsync("--csi:nodeLocal=true");
        Assert.DoesNotContain(RpcType.ExpandVolume, await OfferedAsync(local));
        var volume = await local.CreateAsync(size: Size);
        await Refused.AsAsync(
            StatusCode.Unimplemented,
            local.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * Size } }));

        var staging = await local.StageAsync(volume.VolumeId);
        var target = await local.PublishAsync(volume.VolumeId, staging);
        var answer = await local.NodeService.NodeExpandVolumeAsync(new()
        {
            VolumeId = volume.VolumeId,
            VolumePath = target,
            CapacityRange = new() { RequiredBytes = 2 * Size },
            VolumeCapability = Requests.Mount(),
        });
        Assert.Equal(2 * Size, answer.CapacityBytes);
        Assert.Equal(2 * Size, (await local.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId })).Volume.CapacityBytes);
    }

    [Fact]
    public async Task NodeExpandVolume_AtAPathOfTheVolume_HasTheChecksOfTheController()
    {
        var volume = (await daemon.CreateAsync(size: 3 * Size)).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        Assert.Equal(4 * Size, (await daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = staging, CapacityRange = new() { RequiredBytes = 4 * Size } })).CapacityBytes);
        Assert.Equal(4 * Size, (await daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = target })).CapacityBytes);
        await Refused.AsAsync(StatusCode.OutOfRange, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = target, CapacityRange = new() { LimitBytes = Size } }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = target, CapacityRange = new() { RequiredBytes = -5 } }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = target, VolumeCapability = Requests.Block() }));
        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = target }));
    }

    [Fact]
    public async Task NodeExpandVolume_Otherwise_SaysWhatIsWrong()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumePath = "some/path" }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = "nowhere", VolumePath = "some/path" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = "some/path" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = "/etc" }));
    }

    private static async Task<IEnumerable<RpcType>> OfferedAsync(CsiDaemon of) =>
        (await of.Controller.ControllerGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type);

    private async Task<long> SizeOfAsync(string volume) => (await daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume })).Volume.CapacityBytes;
}
