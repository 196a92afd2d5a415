using Grpc.Core;
using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>The groups of snapshots of the admin API.</summary>
internal sealed class SnapshotGroupsApi(VolumeService volumes, SnapshotGroupService groups, AdminMessages messages) : V1.SnapshotGroups.SnapshotGroupsBase
{
    /// <inheritdoc/>
    public override async Task<V1.SnapshotGroup> Create(V1.CreateSnapshotGroupRequest request, ServerCallContext context)
    {
        var group = new SnapshotGroupRequest
        {
            Name = request.Name,
            Volumes = [.. request.Volumes.Select(volume => volumes.GetByNameOrId(volume).Id)],
            Door = Door.Cli,
            Labels = RequestValues.Labels(request.Labels),
        };
        return messages.Of(await groups.CreateAsync(group, context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task List(V1.ListSnapshotGroupsRequest request, IServerStreamWriter<V1.SnapshotGroup> responseStream, ServerCallContext context)
    {
        foreach (var group in groups.List())
            await responseStream.WriteAsync(messages.Of(group), context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<V1.SnapshotGroup> Inspect(V1.InspectSnapshotGroupRequest request, ServerCallContext context) =>
        Task.FromResult(messages.Of(groups.GetByNameOrId(request.Group)));

    /// <inheritdoc/>
    public override async Task<V1.DeleteSnapshotGroupResponse> Delete(V1.DeleteSnapshotGroupRequest request, ServerCallContext context)
    {
        var group = groups.GetByNameOrId(request.Group);
        Doors.CheckOwn(group.Door, request.AnyDoor, $"snapshot group '{group.Name}'");
        await groups.DeleteAsync(group.Id, null, context.CancellationToken);
        return new V1.DeleteSnapshotGroupResponse { Id = group.Id.ToString() };
    }
}
