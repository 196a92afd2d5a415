using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

internal sealed partial class ControllerService
{
    /// <inheritdoc/>
    public override async Task<Wire.CreateVolumeResponse> CreateVolume(Wire.CreateVolumeRequest request, ServerCallContext context)
    {
        var volume = await volumes.CreateAsync(CreateVolumeParser.Parse(request, plugin, ModifiesVolumes), CallPatience.Of(context));
        return new() { Volume = CsiAnswers.Of(volume, plugin) };
    }

    /// <inheritdoc/>
    public override async Task<Wire.DeleteVolumeResponse> DeleteVolume(Wire.DeleteVolumeRequest request, ServerCallContext context)
    {
        lookup.CheckProvisioned(Required.Text(request.VolumeId, "volume_id"));
        if (VolumeId.TryParse(request.VolumeId, out var id))
            await volumes.DeleteAsync(id, CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override Task<Wire.ValidateVolumeCapabilitiesResponse> ValidateVolumeCapabilities(
        Wire.ValidateVolumeCapabilitiesRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        var accesses = VolumeAccess.ParseAll(request.VolumeCapabilities);
        var (volume, pool) = lookup.Get(request.VolumeId);
        var message = Validation.Mismatch(request, accesses, volume, pool);
        return Task.FromResult(message is null ? Validation.Confirm(request) : new() { Message = message });
    }

    /// <inheritdoc/>
    public override Task<Wire.ListVolumesResponse> ListVolumes(Wire.ListVolumesRequest request, ServerCallContext context)
    {
        var page = volumes.ListProvisioned(PageSize(request.MaxEntries), request.StartingToken);
        return Task.FromResult(new Wire.ListVolumesResponse
        {
            Entries = { page.Items.Select(volume => new Wire.ListVolumesResponse.Types.Entry { Volume = CsiAnswers.Of(volume, plugin) }) },
            NextToken = page.Next ?? "",
        });
    }

    /// <inheritdoc/>
    public override Task<Wire.ControllerGetVolumeResponse> ControllerGetVolume(Wire.ControllerGetVolumeRequest request, ServerCallContext context)
    {
        var (volume, _) = lookup.Get(Required.Text(request.VolumeId, "volume_id"));
        return Task.FromResult(new Wire.ControllerGetVolumeResponse { Volume = CsiAnswers.Of(volume, plugin), Status = new() });
    }

    /// <inheritdoc/>
    public override async Task<Wire.ControllerModifyVolumeResponse> ControllerModifyVolume(
        Wire.ControllerModifyVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        if (!ModifiesVolumes)
        {
            throw new StorageException(StorageError.Unsupported, plugin.IsNodeLocal
                ? "ControllerModifyVolume is not offered here: csi.nodeLocal is on"
                : "ControllerModifyVolume is not offered here: the volumes of no pool have attributes that can be changed");
        }
        var (volume, _) = lookup.Get(request.VolumeId);
        await volumes.ModifyAsync(volume.Id, VolumeAttributes.Parse(request.MutableParameters), CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.ControllerExpandVolumeResponse> ControllerExpandVolume(
        Wire.ControllerExpandVolumeRequest request, ServerCallContext context)
    {
        if (plugin.IsNodeLocal)
            throw new StorageException(StorageError.Unsupported, "ControllerExpandVolume is not offered here: csi.nodeLocal is on, so NodeExpandVolume does it");
        Required.Text(request.VolumeId, "volume_id");
        Required.Message(request.CapacityRange, "capacity_range");
        var size = await Expansion.RunAsync(volumes, lookup.Get(request.VolumeId), request.CapacityRange, request.VolumeCapability, CallPatience.Of(context));
        return new() { CapacityBytes = size.Bytes, NodeExpansionRequired = false };
    }
}
