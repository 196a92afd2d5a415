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
            _volumes.Replace(restored);
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
}
