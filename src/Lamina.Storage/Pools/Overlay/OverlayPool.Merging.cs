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

        try
        {
            var merged = MergeLayers(chain, cancellationToken);

            var replaced = await TryReplaceChainAsync(key, chain, merged).ConfigureAwait(false);
            Release(replaced ? chain : [merged]);
            if (replaced)
                _logger.LayersMerged(key, chain.Length);
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
        try
        {
            _volumes.Replace(record with { Chain = [.. record.Chain[..^chain.Length], merged] });
            _usage.Sealed([merged]);
            return true;
        }
        catch when (_volumes.ReadAgain(key) is { } left && !left.Chain.Contains(merged))
        {
            // As of a head that is sealed: only before the record was replaced it is known that nobody names the layer.
            Release(merged);
            throw;
        }
    }
}
