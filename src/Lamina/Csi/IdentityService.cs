using Grpc.Core;
using Lamina.Storage.Pools;
using Wire = Csi.V1;
using ServiceType = Csi.V1.PluginCapability.Types.Service.Types.Type;

namespace Lamina.Csi;

/// <summary>The Identity service of CSI: who we are, and whether we are ready.</summary>
internal sealed class IdentityService(CsiPlugin plugin, PoolSet pools) : Wire.Identity.IdentityBase
{
    /// <inheritdoc/>
    public override Task<Wire.GetPluginInfoResponse> GetPluginInfo(Wire.GetPluginInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.GetPluginInfoResponse { Name = plugin.Name, VendorVersion = plugin.Version });

    /// <inheritdoc/>
    public override Task<Wire.GetPluginCapabilitiesResponse> GetPluginCapabilities(Wire.GetPluginCapabilitiesRequest request, ServerCallContext context)
    {
        var services = new List<ServiceType> { ServiceType.ControllerService, ServiceType.VolumeAccessibilityConstraints };
        if (!plugin.IsNodeLocal)
            services.Add(ServiceType.GroupControllerService);
        if (pools.HasBlockVolumes)
            services.Add(ServiceType.SnapshotMetadataService);
        return Task.FromResult(new Wire.GetPluginCapabilitiesResponse
        {
            Capabilities =
            {
                services.Select(type => new Wire.PluginCapability { Service = new() { Type = type } }),
                new Wire.PluginCapability { VolumeExpansion = new() { Type = Wire.PluginCapability.Types.VolumeExpansion.Types.Type.Online } },
            },
        });
    }

    /// <inheritdoc/>
    public override Task<Wire.ProbeResponse> Probe(Wire.ProbeRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ProbeResponse { Ready = pools.IsReady });
}
