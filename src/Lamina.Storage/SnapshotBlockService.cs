using Lamina.Storage.Operations;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>Tells backup programs which blocks of raw devices' snapshots hold data, and which have changed between two of them.</summary>
public sealed class SnapshotBlockService(PoolSet pools, SnapshotService snapshots, OperationRunner operations)
{
    /// <summary>Opens the ranges of a snapshot that hold data.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="from">Where to begin, in bytes. The first range begins there, or at the start of that block.</param>
    /// <param name="cancellationToken">Ends it, also while the ranges are read.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.InvalidArgument"/>: it is of no raw device; <see cref="StorageError.OutOfRange"/>.
    /// </exception>
    public Task<BlockRanges> OpenAllocatedAsync(Snapshot snapshot, long from, CancellationToken cancellationToken)
    {
        CheckIsRaw(snapshot);
        return OpenAsync(snapshot, null, StartOf(snapshot, from), cancellationToken);
    }

    /// <summary>Opens the ranges in which a snapshot differs from an older one of the same volume.</summary>
    /// <param name="older">The older one.</param>
    /// <param name="newer">The newer one.</param>
    /// <param name="from">Where to begin, in bytes. The first range begins there, or at the start of that block.</param>
    /// <param name="cancellationToken">Ends it, also while the ranges are read.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.InvalidArgument"/>: one is of no raw device, or they are not an older and a newer one of
    /// the same volume; <see cref="StorageError.OutOfRange"/>.
    /// </exception>
    public Task<BlockRanges> OpenDeltaAsync(Snapshot older, Snapshot newer, long from, CancellationToken cancellationToken)
    {
        CheckIsRaw(older);
        CheckIsRaw(newer);
        if (older.SourceVolume != newer.SourceVolume)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"snapshot {older.Id} is of volume {older.SourceVolume} and snapshot {newer.Id} of volume {newer.SourceVolume}: only snapshots of one volume can be compared");
        }
        if (older.Id == newer.Id || older.CreatedAt > newer.CreatedAt)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the base {older.Id} of {older.CreatedAt:O} is not older than the target {newer.Id} of {newer.CreatedAt:O}; the older snapshot is the base");
        }
        return OpenAsync(newer, older, StartOf(newer, from), cancellationToken);
    }

    // Under the locks, so that none is deleted before it is open; and then they need not be held, as a file that is open stays.
    private Task<BlockRanges> OpenAsync(Snapshot snapshot, Snapshot? since, long from, CancellationToken cancellationToken) => operations.RunAsync(
        $"read the blocks of snapshot {snapshot.Id}",
        since is null ? [LockKey.Snapshot(snapshot.Id.Key)] : [LockKey.Snapshot(snapshot.Id.Key), LockKey.Snapshot(since.Id.Key)],
        () =>
        {
            snapshots.Get(snapshot.Id);
            if (since is not null)
                snapshots.Get(since.Id);
            return Task.FromResult(pools.Resolve(snapshot.Id.Pool).Pool.OpenBlocks(snapshot, since, from, cancellationToken));
        },
        cancellationToken);

    private static void CheckIsRaw(Snapshot snapshot)
    {
        if (snapshot.Kind != VolumeKind.Block)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"snapshot {snapshot.Id} is of the mounted volume {snapshot.SourceVolume}, which has files and no blocks that could be told of; only snapshots of raw block volumes have them");
        }
    }

    // Whole blocks, as programs copy them. At the very end there is nothing left to tell, which whoever resumes there may well ask for.
    private static long StartOf(Snapshot snapshot, long from) =>
        from >= 0 && from <= snapshot.Size!.Value.Bytes
            ? from - from % BlockRanges.Block
            : throw new StorageException(StorageError.OutOfRange, $"the starting offset {from} is not within snapshot {snapshot.Id}; from 0 to its size of {snapshot.Size!.Value.Bytes} bytes is allowed");
}
