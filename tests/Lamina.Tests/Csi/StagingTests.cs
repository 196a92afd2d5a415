using Grpc.Core;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class StagingTests(CsiDaemon daemon)
{
    [Fact]
    public async Task NodeStageVolume_Always_MountsNothingAtTheStagingPath()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        Assert.Equal(0, CsiDaemon.MountsAt(staging));
        Assert.Equal(1, CsiDaemon.MountsAt(Path.Combine(daemon.Daemon.RuntimeDirectory, "mounts", volume)));
        await daemon.UnstageAsync(volume, staging);
        Assert.Equal(0, CsiDaemon.MountsAt(Path.Combine(daemon.Daemon.RuntimeDirectory, "mounts", volume)));
        Assert.True(Directory.Exists(staging));
    }

    [Fact]
    public async Task NodeStageVolume_EightAtOnceAndAgain_MountsOnce()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = daemon.NewStagingPath();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging)).ResponseAsync));
        await daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging));
        Assert.Equal(1, CsiDaemon.MountsAt(Path.Combine(daemon.Daemon.RuntimeDirectory, "mounts", volume)));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.UnstageAsync(volume, staging)));
        await daemon.UnstageAsync(volume, staging);
        Assert.Equal(0, CsiDaemon.MountsAt(Path.Combine(daemon.Daemon.RuntimeDirectory, "mounts", volume)));
    }

    [Fact]
    public async Task NodeStageVolume_AgainWithOtherSecretsContextAndGroup_IsTheSame()
    {
        var request = Requests.Stage((await daemon.CreateAsync()).VolumeId, daemon.NewStagingPath());
        await daemon.NodeService.NodeStageVolumeAsync(request);
        request.Secrets["token"] = "other";
        request.VolumeContext["csi.storage.k8s.io/serviceAccount.tokens"] = "other";
        request.PublishContext["device"] = "other";
        request.VolumeCapability.Mount.VolumeMountGroup = "1000";
        request.VolumeCapability.Mount.FsType = "overlay2";
        await daemon.NodeService.NodeStageVolumeAsync(request);
    }

    [Theory]
    [InlineData(Mode.SingleNodeMultiWriter, new string[0])]
    [InlineData(Mode.SingleNodeWriter, new[] { "ro" })]
    public async Task NodeStageVolume_AgainWithOtherArguments_AlreadyExists(Mode mode, string[] flags)
    {
        var request = Requests.Stage((await daemon.CreateAsync()).VolumeId, daemon.NewStagingPath());
        await daemon.NodeService.NodeStageVolumeAsync(request);
        request.VolumeCapability = Requests.Mount(mode, "", flags);
        await Refused.AsAsync(StatusCode.AlreadyExists, daemon.NodeService.NodeStageVolumeAsync(request));
    }

    [Fact]
    public async Task NodeStageVolume_WhereAnotherVolumeIs_AlreadyExists()
    {
        var first = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(first);
        var second = (await daemon.CreateAsync()).VolumeId;
        Assert.Contains(first, await Refused.AsAsync(StatusCode.AlreadyExists, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(second, staging))), StringComparison.Ordinal);
        await daemon.UnstageAsync(first, staging);
        await daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(second, staging));
    }

    public static TheoryData<StatusCode, Action<Wire.NodeStageVolumeRequest>> Wrong => new()
    {
        { StatusCode.InvalidArgument, request => request.VolumeId = "" },
        { StatusCode.InvalidArgument, request => request.StagingTargetPath = "" },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = null },
        { StatusCode.InvalidArgument, request => request.VolumeCapability.ClearAccessType() },
        { StatusCode.InvalidArgument, request => request.VolumeCapability.AccessMode = null },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Block() },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Mount(fileSystem: "ext4") },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "sync") },
        { StatusCode.InvalidArgument, request => request.StagingTargetPath = "relative/path" },
        { StatusCode.InvalidArgument, request => request.StagingTargetPath = "/a/../b" },
        { StatusCode.NotFound, request => request.VolumeId = "nowhere" },
        { StatusCode.NotFound, request => request.VolumeId = "../../etc" },
        { StatusCode.NotFound, request => (request.VolumeId, request.VolumeCapability) = ("nowhere", Requests.Block()) },
        { StatusCode.NotFound, request => (request.VolumeId, request.StagingTargetPath) = ("nowhere", "relative/path") },
        { StatusCode.NotFound, request => request.VolumeId += "-nowhere" },
        { StatusCode.Unavailable, request => request.VolumeId = "aaaaaaaaaaaaa.data" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task NodeStageVolume_WithSomethingWrong_HasItsCode(StatusCode code, Action<Wire.NodeStageVolumeRequest> spoil)
    {
        var request = Requests.Stage((await daemon.CreateAsync()).VolumeId, daemon.NewStagingPath());
        spoil(request);
        await Refused.AsAsync(code, daemon.NodeService.NodeStageVolumeAsync(request));
    }

    [Fact]
    public async Task NodeStageVolume_AtAPathAsLongAsThereCanBe_IsFine()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = "/" + string.Join('/', Enumerable.Repeat(new string('d', 200), 20));
        await daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging));
        await daemon.UnstageAsync(volume, staging);
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging + new string('d', 100))));
    }

    [Fact]
    public async Task NodeUnstageVolume_WhileItIsPublished_IsRefused()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        Assert.Contains(target, await Refused.AsAsync(
            StatusCode.FailedPrecondition, daemon.NodeService.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging })), StringComparison.Ordinal);
        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
    }

    [Fact]
    public async Task NodeUnstageVolume_ThatIsNotStaged_IsFine()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        await daemon.UnstageAsync(volume, daemon.NewStagingPath());
        await daemon.UnstageAsync(volume, "/gone/long/ago");
        await daemon.UnstageAsync(volume + "-deleted", "/gone/long/ago");
        await daemon.UnstageAsync("aaaaaaaaaaaaa.data", "/gone/long/ago");
    }

    [Fact]
    public async Task NodeUnstageVolume_Otherwise_SaysWhatIsWrong()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeUnstageVolumeAsync(new() { StagingTargetPath = "/x" }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeUnstageVolumeAsync(new() { VolumeId = "nowhere" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeUnstageVolumeAsync(new() { VolumeId = "nowhere", StagingTargetPath = "/x" }));
        await Refused.AsAsync(
            StatusCode.InvalidArgument,
            daemon.NodeService.NodeUnstageVolumeAsync(new() { VolumeId = (await daemon.CreateAsync()).VolumeId, StagingTargetPath = "relative" }));
    }
}
