using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <summary>
    /// Replaces a volume's chain by a single layer that looks the same. The snapshots that share the old layers keep them; what nobody names
    /// any more goes. Sealed layers never change, so they are merged without a lock; only the change of the record excludes other calls.
    /// </summary>
    private async Task MergeChainAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (await ReferenceChainToMergeAsync(key).ConfigureAwait(false) is not { } chain)
            return;
        var started = _time.GetTimestamp();

        try
        {
            var merged = MergeLayers(chain, cancellationToken);

            var replaced = await TryReplaceChainAsync(key, chain, merged).ConfigureAwait(false);
            Release(replaced ? chain : [merged]);
            if (replaced)
                Merged(key, chain.Length, started);
        }
        finally
        {
            Release(chain);
        }
    }

    private async Task<ImmutableArray<LayerId>?> ReferenceChainToMergeAsync(ObjectKey key)
    {
        using var held = await LockRecordAsync(key).ConfigureAwait(false);
        if (_volumes.Find(key) is not { } record || record.Chain.Length <= ChainMerger.MergeAbove)
            return null;
        _layers.References.Add(record.Chain);
        return record.Chain;
    }

    // From the top down: the layers above are small, as a rule, and the large one at the bottom is then walked only once.
    private LayerId MergeLayers(ImmutableArray<LayerId> chain, CancellationToken cancellationToken)
    {
        var top = chain[0];
        for (var i = 1; i < chain.Length; i++)
        {
            LayerId merged;
            try
            {
                merged = _layers.Create(_layers.ReadRoot(top));
            }
            catch when (i > 1)
            {
                Release(top);
                throw;
            }
            try
            {
                using var upper = _layers.OpenDiff(top);
                using var lower = _layers.OpenDiff(chain[i]);
                using var target = _layers.OpenDiff(merged);
                LayerMerge.Run(upper, lower, target, isBottom: i == chain.Length - 1, cancellationToken);
            }
            catch
            {
                Release(i > 1 ? [merged, top] : [merged]);
                throw;
            }
            if (i > 1)
                Release(top);
            top = merged;
        }

        // A tree of many directories: one flush of the filesystem instead of one each, before a record may name it.
        Files.FlushFileSystem(_directory.Root);
        return top;
    }

    private async Task<bool> TryReplaceChainAsync(ObjectKey key, ImmutableArray<LayerId> chain, LayerId merged)
    {
        using var held = await LockRecordAsync(key).ConfigureAwait(false);
        if (_volumes.Find(key) is not { } record || record.Chain.Length < chain.Length || !record.Chain.AsSpan()[^chain.Length..].SequenceEqual(chain.AsSpan()))
            return false;

        // A live mount reads the old layers by their paths: they must stay until it is gone, and the next detach tries again.
        if (_merger.IsAttached(key) || _layers.IsMounted(record.Head))
            return false;
        ReplaceChain(record, chain, merged);
        return true;
    }

    /// <summary>
    /// Merges at once what has as many layers as a volume may have. The caller has locked the record, and nobody has the volume mounted. What can't be
    /// merged, as on a full disk, goes on as it is for as long as the kernel mounts it: else nobody could make room in it.
    /// </summary>
    private OverlayVolumeRecord MergeIfFull(OverlayVolumeRecord record)
    {
        if (record.Chain.Length < MaxLayers)
            return record;
        try
        {
            var started = _time.GetTimestamp();
            var next = ReplaceChain(record, record.Chain, StorageTrace.Run("merge_layers", () => MergeLayers(record.Chain, CancellationToken.None)));
            Release(record.Chain);
            Merged(record.Key, record.Chain.Length, started);
            return next;
        }
        catch (Exception e) when (e is StorageException or LinuxException && record.Chain.Length < MaxMountableLayers)
        {
            _logger.MergeFailed(record.Key, e.Message);
            return record;
        }
    }

    private OverlayVolumeRecord ReplaceChain(OverlayVolumeRecord record, ImmutableArray<LayerId> chain, LayerId merged)
    {
        var next = record with { Chain = [.. record.Chain[..^chain.Length], merged] };
        try
        {
            _volumes.Replace(next);
            _usage.Sealed([merged]);
            return next;
        }
        catch when (_volumes.ReadAgain(record.Key) is { } left && !left.Chain.Contains(merged))
        {
            // As of a head that is sealed: only before the record was replaced it is known that nobody names the layer.
            Release(merged);
            throw;
        }
    }

    private void Merged(ObjectKey volume, int layers, long started)
    {
        Interlocked.Increment(ref _merges);
        _logger.LayersMerged(volume, layers, _time.GetElapsedTime(started));
    }
}
