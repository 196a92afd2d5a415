using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>
/// The SnapshotMetadata service of CSI: which blocks of a raw device's snapshot hold data, and which have changed since another. Offered where some pool
/// has raw block volumes. Ranges are of variable length.
/// </summary>
internal sealed class SnapshotMetadataService(PoolSet pools, SnapshotService snapshots, SnapshotBlockService blocks) : Wire.SnapshotMetadata.SnapshotMetadataBase
{
    // A message of so many is well below what gRPC's clients take, and leaves soon enough to show that we are at it.
    private const int MostInOneMessage = 1000;

    /// <inheritdoc/>
    public override async Task GetMetadataAllocated(
        Wire.GetMetadataAllocatedRequest request, IServerStreamWriter<Wire.GetMetadataAllocatedResponse> responseStream, ServerCallContext context)
    {
        CheckOffered();
        var snapshot = Find(Required.Text(request.SnapshotId, "snapshot_id"));
        var most = MostOf(request.MaxResults);
        var patience = CallPatience.Of(context);
        using var ranges = await blocks.OpenAllocatedAsync(snapshot, request.StartingOffset, patience);
        await SendAsync(ranges, most, patience, found => responseStream.WriteAsync(
            new() { BlockMetadataType = Wire.BlockMetadataType.VariableLength, VolumeCapacityBytes = SizeOf(snapshot), BlockMetadata = { found } },
            patience));
    }

    /// <inheritdoc/>
    public override async Task GetMetadataDelta(
        Wire.GetMetadataDeltaRequest request, IServerStreamWriter<Wire.GetMetadataDeltaResponse> responseStream, ServerCallContext context)
    {
        CheckOffered();
        var (olderId, newerId) = (Required.Text(request.BaseSnapshotId, "base_snapshot_id"), Required.Text(request.TargetSnapshotId, "target_snapshot_id"));
        var (older, newer) = (Find(olderId), Find(newerId));
        var most = MostOf(request.MaxResults);
        var patience = CallPatience.Of(context);
        using var ranges = await blocks.OpenDeltaAsync(older, newer, request.StartingOffset, patience);
        await SendAsync(ranges, most, patience, found => responseStream.WriteAsync(
            new() { BlockMetadataType = Wire.BlockMetadataType.VariableLength, VolumeCapacityBytes = SizeOf(newer), BlockMetadata = { found } },
            patience));
    }

    // Even when there is nothing to tell, one message tells the size.
    private static async Task SendAsync(BlockRanges ranges, int most, CancellationToken patience, Func<IEnumerable<Wire.BlockMetadata>, Task> send)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            var found = await ranges.NextAsync(most);
            if (found.Count > 0 || isFirst)
                await WriteAsync(() => send(found.Select(Of)), patience);
            if (found.Count < most)
                return;
        }
    }

    // A stream whose client has left says so in several ways, none of which is a fault of ours.
    private static async Task WriteAsync(Func<Task> write, CancellationToken patience)
    {
        try
        {
            await write();
        }
        catch (Exception e) when (patience.IsCancellationRequested && e is InvalidOperationException or IOException)
        {
            throw new OperationCanceledException(e.Message, e, patience);
        }
    }

    private static Wire.BlockMetadata Of(Extent range) => new() { ByteOffset = range.Offset, SizeBytes = range.Length };

    private static long SizeOf(Snapshot snapshot) => snapshot.Size!.Value.Bytes;

    private static int MostOf(int asked) => asked switch
    {
        < 0 => throw new StorageException(StorageError.InvalidArgument, $"max_results is {asked}; it can't be negative"),
        0 or > MostInOneMessage => MostInOneMessage,
        _ => asked,
    };

    private Snapshot Find(string id) => snapshots.Get(RequestIds.Snapshot(id));

    private void CheckOffered()
    {
        pools.CheckReady();
        if (!pools.HasBlockVolumes)
            throw new StorageException(StorageError.Unsupported, "changed blocks are not told of here, as no pool has raw block volumes");
    }
}
