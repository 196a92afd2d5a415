using Lamina.Linux;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <inheritdoc/>
    /// <remarks>Layers are objects of their own, so the step is that of the record: a new head, over the chain of the snapshot.</remarks>
    public Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) => TranslateAsync($"restore volume '{volume.Name}'", async () =>
    {
        using var held = await LockRecordAsync(volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Id.Key);
        CheckNotMounted(record);
        var (chain, root) = await ReferenceContentAsync(new VolumeContent.OfSnapshot(snapshot)).ConfigureAwait(false);
        var layers = chain.AsEnumerable();
        var head = default(LayerId);
        try
        {
            head = _layers.Create(root);
            layers = layers.Prepend(head);
            var restored = record with { Volume = volume, Head = head, Chain = chain, Project = _quotas.Limit(head, volume.Size) };
            _directory.FlushBefore();
            ReplaceOrTakeBack(record, restored);
            _quotas.Drop(record.Project);
            _usage.Discard(record.Head);
            _usage.Measure([head]);
            _usage.Sealed(chain);
            Release(record.Chain.Add(record.Head));
            MergeIfDeep(restored);
        }
        catch when (_volumes.ReadAgain(record.Key) is { } left && left.Head != head)
        {
            // As in a seal: before the record was replaced nothing has changed; later, either may be true after a crash, and both heads stay for the next load.
            Release(layers);
            throw;
        }
    });

    // A head that only the disk names would be swept at the next load, and one that only memory names would be written to until then. Unlike in a seal neither record
    // has the other's head. So what was not answered is not so on the disk either; and where that can't be had, what the disk says is what is known.
    private void ReplaceOrTakeBack(OverlayVolumeRecord record, OverlayVolumeRecord restored)
    {
        try
        {
            _volumes.Replace(restored);
        }
        catch (LinuxException) when (_volumes.ReadAgain(record.Key)?.Head == restored.Head)
        {
            TryReplace(record);
            if (_volumes.ReadAgain(record.Key)?.Head == restored.Head)
                _volumes.Know(restored);
            throw;
        }
    }

    private void TryReplace(OverlayVolumeRecord record)
    {
        try
        {
            _volumes.Replace(record);
        }
        catch (LinuxException)
        {
            // The failure that brought us here is the one to tell.
        }
    }
}
