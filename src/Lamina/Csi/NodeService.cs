using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Ephemeral;
using Wire = Csi.V1;
using Unit = Csi.V1.VolumeUsage.Types.Unit;
using RpcType = Csi.V1.NodeServiceCapability.Types.RPC.Types.Type;

namespace Lamina.Csi;

/// <summary>The Node service of CSI. Files are split by topic: this one holds what is asked about the node and about volumes that are in use.</summary>
internal sealed partial class NodeService(
    CsiPlugin plugin, VolumeLookup lookup, VolumeService volumes, AttachmentService attachments, EphemeralVolumes ephemerals) : Wire.Node.NodeBase
{
    private static readonly RpcType[] Offered =
        [RpcType.StageUnstageVolume, RpcType.GetVolumeStats, RpcType.ExpandVolume, RpcType.SingleNodeMultiWriter, RpcType.VolumeMountGroup];

    /// <inheritdoc/>
    public override Task<Wire.NodeGetCapabilitiesResponse> NodeGetCapabilities(Wire.NodeGetCapabilitiesRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.NodeGetCapabilitiesResponse
        {
            Capabilities = { Offered.Select(type => new Wire.NodeServiceCapability { Rpc = new() { Type = type } }) },
        });

    /// <inheritdoc/>
    public override Task<Wire.NodeGetInfoResponse> NodeGetInfo(Wire.NodeGetInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.NodeGetInfoResponse
        {
            NodeId = plugin.NodeId,
            MaxVolumesPerNode = plugin.MaxVolumesPerNode,
            AccessibleTopology = plugin.Place,
        });

    /// <inheritdoc/>
    public override Task<Wire.NodeGetVolumeStatsResponse> NodeGetVolumeStats(Wire.NodeGetVolumeStatsRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.VolumePath, "volume_path");
        var (volume, _) = lookup.GetAny(request.VolumeId);
        CheckPath(volume, request.VolumePath);
        var statistics = volumes.GetStatistics(volume);
        // Who writes to a raw device decides what of it is used.
        if (volume.Kind == VolumeKind.Block)
            return Task.FromResult(new Wire.NodeGetVolumeStatsResponse { Usage = { new Wire.VolumeUsage { Unit = Unit.Bytes, Total = statistics.Space.Total.Bytes } } });
        var space = statistics.Space;
        var response = new Wire.NodeGetVolumeStatsResponse { Usage = { new Wire.VolumeUsage { Unit = Unit.Bytes, Total = space.Total.Bytes, Available = space.Available.Bytes, Used = space.Used.Bytes } } };
        // Left out where the volume's own are unknown, since the wire has no other way to say so than a 0.
        if (statistics is { TotalInodes: > 0, UsedInodes: { } inodes })
            response.Usage.Add(new Wire.VolumeUsage { Unit = Unit.Inodes, Total = statistics.TotalInodes, Available = statistics.FreeInodes, Used = inodes });
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override async Task<Wire.NodeExpandVolumeResponse> NodeExpandVolume(Wire.NodeExpandVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.VolumePath, "volume_path");
        var found = lookup.Get(request.VolumeId);
        CheckPath(found.Volume, request.VolumePath);
        var size = await Expansion.RunAsync(volumes, found, request.CapacityRange, request.VolumeCapability, CallPatience.Of(context));
        return new() { CapacityBytes = size.Bytes };
    }

    // A path that could not be this volume's is as unknown as one that is not.
    private void CheckPath(Volume volume, string path)
    {
        if (!MountTarget.TryParse(path, out var target) || !attachments.IsUsedAt(volume.Id, Door.Csi, target))
            throw new StorageException(StorageError.NotFound, $"volume {volume.Id} is not staged or published at '{path}'");
    }
}
