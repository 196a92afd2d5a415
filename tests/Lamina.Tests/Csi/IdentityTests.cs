using Grpc.Core;
using Lamina.Csi;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using ServiceType = Csi.V1.PluginCapability.Types.Service.Types.Type;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class IdentityTests(CsiDaemon daemon)
{
    [Fact]
    public async Task GetPluginInfo_Always_NamesDriverAndVersion()
    {
        var info = await daemon.Identity.GetPluginInfoAsync(new());
        Assert.Equal("csi.lamina.dev", info.Name);
        Assert.Matches(@"^\d+\.\d+\.\d+$", info.VendorVersion);
    }

    [Fact]
    public async Task GetPluginInfo_WithDriverName_NamesIt()
    {
        await using var other = await CsiDaemon.StartAsync("--driverName=other.example.com");
        Assert.Equal("other.example.com", (await other.Identity.GetPluginInfoAsync(new())).Name);
    }

    [Fact]
    public async Task GetPluginCapabilities_Always_OffersControllerTopologyGroupsChangedBlocksAndOnlineExpansion()
    {
        var capabilities = (await daemon.Identity.GetPluginCapabilitiesAsync(new())).Capabilities;
        Assert.Equal(
            [ServiceType.ControllerService, ServiceType.VolumeAccessibilityConstraints, ServiceType.GroupControllerService, ServiceType.SnapshotMetadataService],
            capabilities.Where(capability => capability.Service is not null).Select(capability => capability.Service.Type));
        Assert.Equal(
            [Wire.PluginCapability.Types.VolumeExpansion.Types.Type.Online],
            capabilities.Where(capability => capability.VolumeExpansion is not null).Select(capability => capability.VolumeExpansion.Type));
    }

    [Fact]
    public async Task Probe_WhenPoolsAreRead_IsReady() => Assert.True((await daemon.Identity.ProbeAsync(new())).Ready);

    [Fact]
    public async Task Probe_BeforePoolsAreRead_IsNotReady()
    {
        await using var pools = new PoolSet(
            new PoolOpener(NullLoggerFactory.Instance, TimeProvider.System, new WriterPauses(TestScratch.NewPath("run"), null, TimeProvider.System, NullLogger<WriterPauses>.Instance)),
            new ForgottenPools(TestScratch.NewPath("state")),
            new Catalog(),
            NullLogger<PoolSet>.Instance);
        var answer = await new IdentityService(new CsiPlugin(new LaminaOptions()), pools).Probe(new(), null!);
        Assert.False(answer.Ready);
    }

    [Fact]
    public async Task Services_ThatAreNotOffered_AreUnimplemented()
    {
        await Refused.AsAsync(StatusCode.Unimplemented, daemon.Controller.ControllerPublishVolumeAsync(new() { VolumeId = "x" }));
        await Refused.AsAsync(StatusCode.Unimplemented, daemon.Controller.ControllerModifyVolumeAsync(new() { VolumeId = "x" }));
    }
}
