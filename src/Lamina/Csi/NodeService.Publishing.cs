using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Ephemeral;
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
        await attachments.AttachAsync(volume.Id, StageAt(request.StagingTargetPath), arguments, CallPatience.Of(context), VolumeKey.Find(request.Secrets));
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
        if (EphemeralParser.IsEphemeral(request))
        {
            await PublishEphemeralAsync(request, access, CallPatience.Of(context));
            return new();
        }
        var (volume, pool) = lookup.Get(request.VolumeId);
        if (request.StagingTargetPath.Length == 0)
            throw new StorageException(StorageError.FailedPrecondition, "staging_target_path is missing: a volume is staged before it is published");
        var publication = PublicationOf(request, access, access.ArgumentsFor(volume, pool)) with { StagedBy = StageAt(request.StagingTargetPath) };
        await attachments.PublishAsync(volume.Id, publication, CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override async Task<Wire.NodeUnpublishVolumeResponse> NodeUnpublishVolume(Wire.NodeUnpublishVolumeRequest request, ServerCallContext context)
    {
        Required.Text(request.VolumeId, "volume_id");
        Required.Text(request.TargetPath, "target_path");
        // The kubelet's own id, which comes without a word of what it is.
        if (EphemeralId.TryParse(request.VolumeId, out var ephemeral))
            await ephemerals.UnpublishAsync(ephemeral, Door.Csi, IStorageValue<MountTarget>.Parse(request.TargetPath), CallPatience.Of(context));
        else
            await attachments.UnpublishAsync(RequestIds.Volume(request.VolumeId), Door.Csi, IStorageValue<MountTarget>.Parse(request.TargetPath), CallPatience.Of(context));
        return new();
    }

    private static PublishRequest PublicationOf(Wire.NodePublishVolumeRequest request, VolumeAccess access, string arguments) => new()
    {
        Target = IStorageValue<MountTarget>.Parse(request.TargetPath),
        Door = Door.Csi,
        ReadOnly = request.Readonly || access.IsReadOnly,
        Exclusive = access.IsExclusive,
        Flags = access.Flags,
        Group = access.Group,
        Arguments = arguments,
    };

    private static HolderIdentity StageAt(string path) => new(Door.Csi, HolderKind.Stage, IStorageValue<MountTarget>.Parse(path).ToString());
}
