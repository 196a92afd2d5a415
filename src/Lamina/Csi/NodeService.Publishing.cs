using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Wire = Csi.V1;

namespace Lamina.Csi;

internal sealed partial class NodeService
{
    /// <inheritdoc/>
    public override async Task<Wire.NodeStageVolumeResponse> NodeStageVolume(Wire.NodeStageVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.StagingTargetPath, "staging_target_path");
        var access = VolumeAccess.Parse(request.VolumeCapability);
        var (volume, pool) = lookup.Get(request.VolumeId);
        var arguments = access.ArgumentsFor(volume, pool);
        // Nothing is mounted at the staging path itself: the kubelet would take that mount for a use of the volume, and never unstage it.
        await attachments.AttachAsync(volume.Id, StageAt(request.StagingTargetPath), arguments, CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.NodeUnstageVolumeResponse> NodeUnstageVolume(Wire.NodeUnstageVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.StagingTargetPath, "staging_target_path");
        await attachments.DetachAsync(RequestIds.Volume(request.VolumeId), StageAt(request.StagingTargetPath), CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.NodePublishVolumeResponse> NodePublishVolume(Wire.NodePublishVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.TargetPath, "target_path");
        var access = VolumeAccess.Parse(request.VolumeCapability);
        var (volume, pool) = lookup.Get(request.VolumeId);
        if (request.StagingTargetPath.Length == 0)
            throw new StorageException(StorageError.FailedPrecondition, "staging_target_path is missing: a volume is staged before it is published");
        var publication = new PublishRequest
        {
            Target = IStorageValue<MountTarget>.Parse(request.TargetPath),
            Door = Door.Csi,
            StagedBy = StageAt(request.StagingTargetPath),
            ReadOnly = request.Readonly || access.IsReadOnly,
            Exclusive = access.IsExclusive,
            Flags = access.Flags,
            Group = access.Group,
            Arguments = access.ArgumentsFor(volume, pool),
        };
        await attachments.PublishAsync(volume.Id, publication, CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.NodeUnpublishVolumeResponse> NodeUnpublishVolume(Wire.NodeUnpublishVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.TargetPath, "target_path");
        var volume = RequestIds.Volume(request.VolumeId);
        await attachments.UnpublishAsync(volume, Door.Csi, IStorageValue<MountTarget>.Parse(request.TargetPath), CallPatience.Of(context));
        return new();
    }

    private static HolderIdentity StageAt(string path) => new(Door.Csi, HolderKind.Stage, IStorageValue<MountTarget>.Parse(path).ToString());
}
