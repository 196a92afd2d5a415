using Grpc.Core;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>What is asked of volumes by id: delete, get, validate.</summary>
[Collection<CsiCollection>]
public sealed class ExistingVolumeTests(CsiDaemon daemon)
{
    /// <summary>Ids that are none of ours.</summary>
    public static TheoryData<string> ForeignIds => ["nowhere", "..", "../../etc", "/etc/passwd", "a.b.c", "aaaaaaaaaaaaa.", ".data", "aaaaaaaaaaaaa.../x", "AAAAAAAAAAAAA.data", "🦙"];

    [Fact]
    public async Task DeleteVolume_ThatExists_IsGone()
    {
        var volume = await daemon.CreateAsync();
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId }));
    }

    [Fact]
    public async Task DeleteVolume_EightAtOnceAndAgain_IsFine()
    {
        var volume = await daemon.CreateAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId }).ResponseAsync));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
    }

    [Theory]
    [MemberData(nameof(ForeignIds))]
    public async Task DeleteVolume_WithAnIdThatIsNoneOfOurs_IsFine(string id) => await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id });

    [Fact]
    public async Task DeleteVolume_WithoutAnId_IsInvalid() => await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.DeleteVolumeAsync(new()));

    [Fact]
    public async Task DeleteVolume_WithTooLongAnId_IsInvalid() =>
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = new string('x', 129) }));

    [Fact]
    public async Task DeleteVolume_OfAPoolThatIsNotLoaded_IsUnavailable() =>
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = "aaaaaaaaaaaaa.data" }));

    [Fact]
    public async Task DeleteVolume_InUse_IsRefusedAndUntouched()
    {
        var volume = await daemon.CreateAsync();
        var staging = await daemon.StageAsync(volume.VolumeId);
        Assert.Contains(staging, await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId })), StringComparison.Ordinal);
        var target = await daemon.PublishAsync(volume.VolumeId, staging);
        File.WriteAllText(Path.Combine(target, "file"), "content");
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId }));
        Assert.Equal("content", File.ReadAllText(Path.Combine(target, "file")));
        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnstageAsync(volume.VolumeId, staging);
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
    }

    [Fact]
    public async Task ControllerGetVolume_ThatExists_DescribesIt()
    {
        var volume = await daemon.CreateAsync();
        var answer = await daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId });
        Assert.Equal(volume, answer.Volume);
        Assert.NotNull(answer.Status);
    }

    [Theory]
    [MemberData(nameof(ForeignIds))]
    public async Task ControllerGetVolume_WithAnIdThatIsNoneOfOurs_IsNotFound(string id) =>
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = id }));

    [Fact]
    public async Task ControllerGetVolume_Otherwise_SaysWhatIsWrong()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ControllerGetVolumeAsync(new()));
        await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = "aaaaaaaaaaaaa.data" }));
    }

    [Fact]
    public async Task ValidateVolumeCapabilities_WhenAllMatches_ConfirmsAllThatWasGiven()
    {
        var create = Requests.CreateVolume(CsiDaemon.NewName());
        create.Parameters["uid"] = "5";
        var volume = (await daemon.Controller.CreateVolumeAsync(create)).Volume;
        var request = new Wire.ValidateVolumeCapabilitiesRequest
        {
            VolumeId = volume.VolumeId,
            VolumeCapabilities = { Requests.Mount(), Requests.Mount(Mode.MultiNodeReaderOnly, "overlay2", "ro") },
            Parameters = { ["pool"] = "default", ["uid"] = "5", ["csi.storage.k8s.io/pv/name"] = "pv" },
            VolumeContext = { ["storage.kubernetes.io/csiProvisionerIdentity"] = "x" },
        };
        var answer = await daemon.Controller.ValidateVolumeCapabilitiesAsync(request);
        Assert.Empty(answer.Message);
        Assert.Equal(request.VolumeCapabilities, answer.Confirmed.VolumeCapabilities);
        Assert.Equal(request.Parameters, answer.Confirmed.Parameters);
        Assert.Equal(request.VolumeContext, answer.Confirmed.VolumeContext);
    }

    public static TheoryData<string, Action<Wire.ValidateVolumeCapabilitiesRequest>> Mismatches => new()
    {
        { "Block", request => request.VolumeCapabilities.Add(Requests.Block()) },
        { "xfs", request => request.VolumeCapabilities.Add(Requests.Mount(fileSystem: "xfs")) },
        { "lazytime", request => request.VolumeCapabilities.Add(Requests.Mount(Mode.SingleNodeWriter, "", "lazytime")) },
        { "pool", request => request.Parameters["pool"] = "other" },
        { "parameters", request => request.Parameters["gid"] = "7" },
        { "colour", request => request.Parameters["colour"] = "red" },
        { "mutable", request => request.MutableParameters["iops"] = "1" },
        { "device", request => request.VolumeContext["device"] = "/dev/sda" },
    };

    [Theory]
    [MemberData(nameof(Mismatches))]
    public async Task ValidateVolumeCapabilities_WhenSomethingDiffers_SaysWhat(string what, Action<Wire.ValidateVolumeCapabilitiesRequest> change)
    {
        var request = new Wire.ValidateVolumeCapabilitiesRequest { VolumeId = (await daemon.CreateAsync()).VolumeId, VolumeCapabilities = { Requests.Mount() } };
        change(request);
        var answer = await daemon.Controller.ValidateVolumeCapabilitiesAsync(request);
        Assert.Null(answer.Confirmed);
        Assert.Contains(what, answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValidateVolumeCapabilities_Otherwise_SaysWhatIsWrong()
    {
        var volume = await daemon.CreateAsync();
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ValidateVolumeCapabilitiesAsync(new() { VolumeCapabilities = { Requests.Mount() } }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.ValidateVolumeCapabilitiesAsync(new() { VolumeId = volume.VolumeId }));
        await Refused.AsAsync(
            StatusCode.NotFound, daemon.Controller.ValidateVolumeCapabilitiesAsync(new() { VolumeId = "nowhere", VolumeCapabilities = { Requests.Block() } }));
    }
}
