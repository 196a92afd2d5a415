using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    /// <remarks>
    /// One commit of the filesystem, without stopping anybody: what a power cut would have left. So what writers flush is cut at one write point.
    /// What they don't is written back file by file while they run: all of it from before the call is there, but of two files that are being
    /// written to one may be a moment ahead of the other.
    /// </remarks>
    public Task<Snapshot> CreateSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => TranslateAsync($"snapshot volume '{volume.Volume.Name}'", async () =>
    {
        _snapshots.CheckFree(snapshot.Id.Key);
        WriteBack(volume);
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

    // The kernel starts this by itself before it cuts, but passes over pages that are being written just then: a file that is written to all the
    // time was seen to be missing for seconds.
    private void WriteBack(VolumeInUse volume)
    {
        if (volume.MountPoint is null)
            return;
        // A handle of our own: it tells of errors since it was opened, and tells them once.
        using var root = Files.OpenDirectoryAt(_directory.Root, ".");
        Files.FlushFileSystem(root);
    }

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => TranslateAsync($"delete snapshot '{snapshot.Name}'", () =>
    {
        _snapshots.Discard(_snapshots.Get(snapshot.Id.Key).Key);
        _trash.Wake();
        return Task.CompletedTask;
    });
}
