using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

internal sealed partial class ControllerService
{
    /// <inheritdoc/>
    public override async Task<Wire.CreateSnapshotResponse> CreateSnapshot(Wire.CreateSnapshotRequest request, ServerCallContext context)
    {
        var name = Required.Text(request.Name, "name");
        var source = Required.Text(request.SourceVolumeId, "source_volume_id");
        var snapshot = await snapshots.CreateAsync(
            new SnapshotRequest
            {
                Name = name,
                Volume = RequestIds.Volume(source),
                Door = Door.Csi,
                Labels = ClassParameters.ParseForSnapshot(request.Parameters),
            },
            CallPatience.Of(context));
        return new() { Snapshot = CsiAnswers.Of(snapshot) };
    }

    /// <inheritdoc/>
    public override async Task<Wire.DeleteSnapshotResponse> DeleteSnapshot(Wire.DeleteSnapshotRequest request, ServerCallContext context)
    {
        if (SnapshotId.TryParse(Required.Text(request.SnapshotId, "snapshot_id"), out var id))
            await snapshots.DeleteAsync(id, CallPatience.Of(context));
        return new();
    }

    /// <inheritdoc/>
    public override Task<Wire.ListSnapshotsResponse> ListSnapshots(Wire.ListSnapshotsRequest request, ServerCallContext context)
    {
        var page = ListPage(request);
        return Task.FromResult(new Wire.ListSnapshotsResponse
        {
            Entries = { page.Items.Select(snapshot => new Wire.ListSnapshotsResponse.Types.Entry { Snapshot = CsiAnswers.Of(snapshot) }) },
            NextToken = page.Next ?? "",
        });
    }

    /// <inheritdoc/>
    public override Task<Wire.GetSnapshotResponse> GetSnapshot(Wire.GetSnapshotRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.GetSnapshotResponse
        {
            Snapshot = CsiAnswers.Of(snapshots.Get(RequestIds.Snapshot(Required.Text(request.SnapshotId, "snapshot_id")))),
        });

    // An id that nothing has is a filter that nothing passes.
    private Page<Snapshot> ListPage(Wire.ListSnapshotsRequest request)
    {
        var size = PageSize(request.MaxEntries);
        VolumeId? source = VolumeId.TryParse(request.SourceVolumeId, out var volume) ? volume : null;
        if (source is null && request.SourceVolumeId.Length > 0)
            return new([], null);
        if (request.SnapshotId.Length == 0)
            return snapshots.List(source, size, request.StartingToken);
        return SnapshotId.TryParse(request.SnapshotId, out var id) && snapshots.Find(id) is { } snapshot && (source is null || snapshot.SourceVolume == source)
            ? new([snapshot], null)
            : new([], null);
    }
}
