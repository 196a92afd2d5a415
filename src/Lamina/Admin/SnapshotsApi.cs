using Grpc.Core;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>The snapshots of the admin API.</summary>
internal sealed class SnapshotsApi(PoolSet pools, VolumeService volumes, SnapshotService snapshots, Catalog catalog, SnapshotNames names, AdminMessages messages)
    : V1.Snapshots.SnapshotsBase
{
    /// <inheritdoc/>
    public override async Task<V1.Snapshot> Create(V1.CreateSnapshotRequest request, ServerCallContext context)
    {
        var volume = volumes.GetByNameOrId(request.Volume);
        var snapshot = new SnapshotRequest
        {
            Name = request.HasName ? request.Name : names.Next(volume),
            Volume = volume.Id,
            Door = Door.Cli,
            Labels = RequestValues.Labels(request.Labels),
        };
        return messages.Of(await snapshots.CreateAsync(snapshot, context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task List(V1.ListSnapshotsRequest request, IServerStreamWriter<V1.Snapshot> responseStream, ServerCallContext context)
    {
        foreach (var snapshot in request.HasVolume ? SnapshotsOf(request.Volume) : snapshots.List(null, 0, null).Items)
            await responseStream.WriteAsync(messages.Of(snapshot), context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<V1.DeleteSnapshotResponse> Delete(V1.DeleteSnapshotRequest request, ServerCallContext context)
    {
        var snapshot = snapshots.GetByNameOrId(request.Snapshot);
        Doors.CheckOwn(snapshot.Door, request.AnyDoor, $"snapshot '{snapshot.Name}'");
        await snapshots.DeleteAsync(snapshot.Id, context.CancellationToken);
        return new V1.DeleteSnapshotResponse { Id = snapshot.Id.ToString() };
    }

    /// <inheritdoc/>
    public override async Task<V1.Volume> Restore(V1.RestoreSnapshotRequest request, ServerCallContext context)
    {
        var snapshot = snapshots.GetByNameOrId(request.Snapshot);
        var volume = new VolumeRequest
        {
            Name = request.Volume,
            Door = Door.Cli,
            Kind = snapshot.Kind,
            Size = SizeRange.AtLeast(RequestValues.VolumeSize(request.HasSizeBytes, request.SizeBytes)),
            Source = VolumeSource.From(snapshot.Id),
            Parameters = VolumeParameters.Parse(request.Parameters),
            Labels = RequestValues.Labels(request.Labels),
        };
        return messages.Of(await volumes.CreateAsync(volume, context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task<V1.RestoreInPlaceResponse> RestoreInPlace(V1.RestoreInPlaceRequest request, ServerCallContext context)
    {
        var snapshot = snapshots.GetByNameOrId(request.Snapshot);
        var source = messages.SourceOf(snapshot);
        if (source is not null)
            Doors.CheckContent(source, request.AnyDoor);
        var before = new SnapshotRequest
        {
            // The service says what is wrong when there is none.
            Name = source is null ? snapshot.Name : names.Next(source),
            Volume = snapshot.SourceVolume,
            Door = Door.Cli,
        };
        var restored = await snapshots.RestoreInPlaceAsync(snapshot.Id, before, context.CancellationToken);
        return new V1.RestoreInPlaceResponse { Volume = messages.Of(restored.Volume), Before = messages.Of(restored.Before) };
    }

    // The volume itself may be gone: then its snapshots still know its key.
    private IReadOnlyList<Snapshot> SnapshotsOf(string nameOrId)
    {
        if (VolumeId.TryParse(nameOrId, out var id))
        {
            // Refused as well where nothing can be known of it.
            pools.Resolve(id.Pool);
            return snapshots.List(id, 0, null).Items is var of && (of.Count > 0 || catalog.Find(id) is not null) ? of : throw NotFound(nameOrId);
        }
        var key = ObjectKey.FromName(nameOrId);
        if (catalog.FindVolume(key) is { } volume)
            return snapshots.List(volume.Id, 0, null).Items;
        var left = snapshots.List(null, 0, null).Items.Where(snapshot => snapshot.SourceVolume.Key == key).ToList();
        return left.Count > 0 ? left : throw NotFound(nameOrId);
    }

    private static StorageException NotFound(string nameOrId) => new(StorageError.NotFound, $"there is no volume '{nameOrId}', and no snapshot of one");
}
