using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    public Task<Snapshot> CreateSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => TranslateAsync($"snapshot volume '{volume.Volume.Name}'", async () =>
    {
        _snapshots.CheckFree(snapshot.Id.Key);
        using var held = await LockRecordAsync(volume.Volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Volume.Id.Key);
        using var data = OpenData(record);
        SubvolumeTree.CheckNothingNested(data, record.Volume.Id);

        // Counted first, and after a failure until the next load: to think too many share blocks does no harm, to think too few does.
        _families.Add(record.Family);
        try
        {
            using var staging = new StagedObject(_directory);
            var cut = snapshot with { CreatedAt = _time.GetUtcNow(), Pause = null };
            using (_quotas.WidenForCut(record.Group, record.Volume.Size))
                Linux.Btrfs.CreateSnapshot(staging.Directory, Data, data, readOnly: true);

            // Anybody may have made one meanwhile. Taken after the cut or before it can't be told, and the answer is the same.
            SubvolumeTree.CheckNothingNested(data, record.Volume.Id);
            _snapshots.Publish(staging, new BtrfsSnapshotRecord(PoolDirectory.Format, cut, record.Family));
            return cut;
        }
        catch when (_snapshots.Find(snapshot.Id.Key) is null)
        {
            _trash.Wake();
            throw;
        }
    });

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => TranslateAsync($"delete snapshot '{snapshot.Name}'", () =>
    {
        _snapshots.Discard(_snapshots.Get(snapshot.Id.Key).Key);
        _trash.Wake();
        return Task.CompletedTask;
    });
}
