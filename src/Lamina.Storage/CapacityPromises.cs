using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>What pools have promised to volumes, and whether they may promise more: <c>minFree</c> and <c>overcommit</c> are judged here alone.</summary>
public sealed class CapacityPromises(Catalog catalog)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PoolId, Int128> _underWay = [];

    /// <summary>What one more volume could get: what is free above <c>minFree</c>, and within the overcommit ratio where one is set.</summary>
    public ByteSize AvailableIn(LoadedPool pool)
    {
        var capacity = pool.Pool.GetCapacity();
        lock (_gate)
            return new ByteSize(Math.Max(0, Math.Min(FreeIn(pool, capacity), Unpromised(pool, capacity) ?? long.MaxValue)));
    }

    /// <summary>
    /// The largest volume that could be made now. Where more may be promised than there is, it may be larger than what is free: by the overcommit
    /// ratio, and never more than is left to promise.
    /// </summary>
    public ByteSize LargestIn(LoadedPool pool)
    {
        var capacity = pool.Pool.GetCapacity();
        lock (_gate)
        {
            var free = FreeIn(pool, capacity) * Math.Max(1, pool.Settings.Overcommit ?? 1);
            return new ByteSize((long)Math.Max(0, Math.Min(free, Unpromised(pool, capacity) ?? long.MaxValue)));
        }
    }

    /// <summary>
    /// Promises a size while a volume is being made or grown; the promise ends with the scope, when the catalog has the volume.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.ResourceExhausted"/>: below <c>minFree</c>, or more than may be promised.</exception>
    public IDisposable Take(LoadedPool pool, ByteSize? size)
    {
        // Before the lock, which is one for all pools: a disk that hangs is to keep only its own pool waiting.
        var capacity = pool.Pool.GetCapacity();
        lock (_gate)
        {
            if (FreeIn(pool, capacity) <= 0)
            {
                throw new StorageException(StorageError.ResourceExhausted,
                    $"pool '{pool.Name}' has only {capacity.Available} available, and its minFree is {pool.Settings.MinFree}; free space or add some");
            }
            var bytes = size?.Bytes ?? 0;
            if (Unpromised(pool, capacity) is { } left && bytes > left)
            {
                throw new StorageException(StorageError.ResourceExhausted,
                    $"pool '{pool.Name}' may promise {new ByteSize(Math.Max(0, left))} more (overcommit {pool.Settings.Overcommit}); {size} was asked for");
            }
            _underWay[pool.Id] = _underWay.GetValueOrDefault(pool.Id) + bytes;
            return new Promise(this, pool.Id, bytes);
        }
    }

    private static long FreeIn(LoadedPool pool, PoolCapacity capacity) => capacity.Available.Bytes - pool.Settings.MinFree.Bytes;

    private long? Unpromised(LoadedPool pool, PoolCapacity capacity) => pool.Settings.Overcommit is { } ratio
        ? (long)Int128.Clamp((Int128)(capacity.Total.Bytes * ratio) - catalog.PromisedBy(pool.Id).Bytes - _underWay.GetValueOrDefault(pool.Id), long.MinValue, long.MaxValue)
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
