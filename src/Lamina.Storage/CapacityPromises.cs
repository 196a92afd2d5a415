using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>What pools have promised to volumes, and whether they may promise more: <c>minFree</c> and <c>overcommit</c> are judged here alone.</summary>
public sealed class CapacityPromises(Catalog catalog)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PoolId, long> _underWay = [];

    /// <summary>What one more volume could get: what is free above <c>minFree</c>, and within the overcommit ratio where one is set.</summary>
    public ByteSize AvailableIn(LoadedPool pool)
    {
        lock (_gate)
            return new ByteSize(Math.Max(0, Math.Min(FreeIn(pool, out _), Unpromised(pool) ?? long.MaxValue)));
    }

    /// <summary>
    /// The largest volume that could be made now. Where more may be promised than there is, it may be larger than what is free: by the overcommit
    /// ratio, and never more than is left to promise.
    /// </summary>
    public ByteSize LargestIn(LoadedPool pool)
    {
        lock (_gate)
        {
            var free = FreeIn(pool, out _) * Math.Max(1, pool.Settings.Overcommit ?? 1);
            return new ByteSize((long)Math.Max(0, Math.Min(free, Unpromised(pool) ?? long.MaxValue)));
        }
    }

    /// <summary>
    /// Promises a size while a volume is being made or grown; the promise ends with the scope, when the catalog has the volume.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.ResourceExhausted"/>: below <c>minFree</c>, or more than may be promised.</exception>
    public IDisposable Take(LoadedPool pool, ByteSize? size)
    {
        lock (_gate)
        {
            if (FreeIn(pool, out var available) <= 0)
            {
                throw new StorageException(StorageError.ResourceExhausted,
                    $"pool '{pool.Name}' has only {available} available, and its minFree is {pool.Settings.MinFree}; free space or add some");
            }
            var bytes = size?.Bytes ?? 0;
            if (Unpromised(pool) is { } left && bytes > left)
            {
                throw new StorageException(StorageError.ResourceExhausted,
                    $"pool '{pool.Name}' may promise {new ByteSize(Math.Max(0, left))} more (overcommit {pool.Settings.Overcommit}); {size} was asked for");
            }
            _underWay[pool.Id] = _underWay.GetValueOrDefault(pool.Id) + bytes;
            return new Promise(this, pool.Id, bytes);
        }
    }

    private static long FreeIn(LoadedPool pool, out ByteSize available)
    {
        available = pool.Pool.GetCapacity().Available;
        return available.Bytes - pool.Settings.MinFree.Bytes;
    }

    private long? Unpromised(LoadedPool pool) => pool.Settings.Overcommit is { } ratio
        ? (long)(pool.Pool.GetCapacity().Total.Bytes * ratio) - catalog.PromisedBy(pool.Id).Bytes - _underWay.GetValueOrDefault(pool.Id)
        : null;

    private sealed class Promise(CapacityPromises owner, PoolId pool, long bytes) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
                owner._underWay[pool] -= bytes;
        }
    }
}
