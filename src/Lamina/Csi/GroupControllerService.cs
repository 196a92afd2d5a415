using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Wire = Csi.V1;
using RpcType = Csi.V1.GroupControllerServiceCapability.Types.RPC.Types.Type;

namespace Lamina.Csi;

/// <summary>
/// The GroupController service of CSI: snapshots of several volumes at one write point. Not offered where each node has sidecars of its own: the
/// one for groups has a leader in the cluster, which would ask the wrong node.
/// </summary>
internal sealed class GroupControllerService(CsiPlugin plugin, SnapshotGroupService groups) : Wire.GroupController.GroupControllerBase
{
    /// <inheritdoc/>
    public override Task<Wire.GroupControllerGetCapabilitiesResponse> GroupControllerGetCapabilities(
        Wire.GroupControllerGetCapabilitiesRequest request, ServerCallContext context)
    {
        CheckOffered();
        return Task.FromResult(new Wire.GroupControllerGetCapabilitiesResponse
        {
            Capabilities = { new Wire.GroupControllerServiceCapability { Rpc = new() { Type = RpcType.CreateDeleteGetVolumeGroupSnapshot } } },
        });
    }

    /// <inheritdoc/>
    public override async Task<Wire.CreateVolumeGroupSnapshotResponse> CreateVolumeGroupSnapshot(
        Wire.CreateVolumeGroupSnapshotRequest request, ServerCallContext context)
    {
        CheckOffered();
        var name = Required.Text(request.Name, "name");
        if (request.SourceVolumeIds.Count == 0 || request.SourceVolumeIds.Contains(""))
            throw Required.Missing("source_volume_ids");
        var labels = ClassParameters.ParseForSnapshot(request.Parameters);
        var group = await groups.CreateAsync(
            new SnapshotGroupRequest { Name = name, Volumes = [.. request.SourceVolumeIds.Select(RequestIds.Volume)], Door = Door.Csi, Labels = labels },
            CallPatience.Of(context));
        return new() { GroupSnapshot = CsiAnswers.Of(group) };
    }

    /// <inheritdoc/>
    public override async Task<Wire.DeleteVolumeGroupSnapshotResponse> DeleteVolumeGroupSnapshot(
        Wire.DeleteVolumeGroupSnapshotRequest request, ServerCallContext context)
    {
        CheckOffered();
        if (!SnapshotGroupId.TryParse(Required.Text(request.GroupSnapshotId, "group_snapshot_id"), out var id))
            return new();

        // Looked up first: of a group that is gone nobody needs to know the members.
        if (groups.Find(id) is { } group)
            CheckMembers(group, request.SnapshotIds);
        await groups.DeleteAsync(id, Parse(request.SnapshotIds), CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override Task<Wire.GetVolumeGroupSnapshotResponse> GetVolumeGroupSnapshot(Wire.GetVolumeGroupSnapshotRequest request, ServerCallContext context)
    {
        CheckOffered();
        var group = groups.Get(RequestIds.SnapshotGroup(Required.Text(request.GroupSnapshotId, "group_snapshot_id")));
        CheckMembers(group, request.SnapshotIds);
        return Task.FromResult(new Wire.GetVolumeGroupSnapshotResponse { GroupSnapshot = CsiAnswers.Of(group) });
    }

    private static void CheckMembers(SnapshotGroup group, IReadOnlyCollection<string> ids)
    {
        var members = group.Membership.Members.Select(member => member.ToString()).ToHashSet();
        if (!members.SetEquals(ids))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the snapshot_ids are not those of group snapshot {group.Id}, which has {string.Join(", ", members)}");
        }
    }

    // An id that is none of ours is in no group.
    private static IReadOnlyCollection<SnapshotId> Parse(IEnumerable<string> ids) =>
        [.. ids.Select(text => SnapshotId.TryParse(text, out var id) ? id : (SnapshotId?)null).OfType<SnapshotId>()];

    private void CheckOffered()
    {
        if (plugin.IsNodeLocal)
            throw new StorageException(StorageError.Unsupported, "group snapshots are not offered here: each node has sidecars of its own (csi.nodeLocal)");
    }
}
