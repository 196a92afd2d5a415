using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    /// <remarks>
    /// One commit of the filesystem, without stopping anybody but for a group: what a power cut would have left. So what writers flush is cut at one
    /// write point. What they don't is written back file by file while they run: all of it from before the call is there, but of two files that are
    /// being written to one may be a moment ahead of the other.
    /// </remarks>
    public Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => TranslateAsync<ISnapshotCut>($"begin snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", async () =>
    {
        _snapshots.CheckFree(snapshot.Id.Key);
        var held = await LockRecordAsync(volume.Volume.Id.Key).ConfigureAwait(false);
        SafeFileHandle? data = null;
        try
        {
            var record = _volumes.Get(volume.Volume.Id.Key);
            data = OpenData(record);
            SubvolumeTree.CheckNothingNested(data, record.Volume.Id);
            if (snapshot.Group is not null && volume.MountPoint is null)
                CheckNobodyWrites(record, data);
            return new SnapshotCut(this, snapshot, record, volume.MountPoint, data, held);
        }
        catch
        {
            data?.Dispose();
            held.Dispose();
            throw;
        }
    });

    // The kernel starts this by itself before it cuts, but passes over pages that are being written just then: a file that is written to all the
    // time was seen to be missing for seconds.
    private void WriteBack(string? mountPoint)
    {
        if (mountPoint is null)
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

    // For a single snapshot it is all the same whether somebody writes; in a group he would have to be stopped, and nobody looks for him.
    private void CheckNobodyWrites(BtrfsVolumeRecord record, SafeFileHandle data)
    {
        if (_mounts.Find(SubvolumeTree.Ids(data)) is { } mount)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {record.Volume.Id} is detached, but still mounted {mount}, so it can't be cut at one moment with others; end what has it mounted and call again");
        }
    }

    /// <summary>
    /// A cut by one request to the kernel, whoever writes meanwhile. In a group, where writers are stopped, the cut itself tells whether one was missed:
    /// some file in it was changed after the write point. The volume's record is locked until the end.
    /// </summary>
    private sealed class SnapshotCut(
        BtrfsPool pool, Snapshot snapshot, BtrfsVolumeRecord record, string? mountPoint, SafeFileHandle data, IDisposable held) : ISnapshotCut
    {
        private StagedObject? _staging;
        private bool _isPublished;
        private ulong _transaction;

        public VolumeId Volume => record.Volume.Id;

        public string? MountPoint => mountPoint;

        public bool StopsWriters => false;

        public PauseLimits Limits => pool._settings.PauseLimits;

        public void Prepare()
        {
            // For a group it makes, besides, that there is little to write and little to look at while the writers stand still.
            pool.WriteBack(mountPoint);
            _transaction = Linux.Btrfs.GetSubvolume(data).Generation;
        }

        public void Cut(WritePoint point)
        {
            // What is left of a cut that is void goes to the trash.
            _staging?.Dispose();
            _staging = new StagedObject(pool._directory);

            // Counted first, and after a failure until the next load: to think too many share blocks does no harm, to think too few does.
            pool._families.Add(record.Family);
            using (pool._quotas.WidenForCut(record.Group, record.Volume.Size))
                Linux.Btrfs.CreateSnapshot(_staging.Directory, Data, data, readOnly: true);
            if (point.StoodStillAt is { } moment)
                CheckUnchangedSince(moment);
        }

        // Anybody may have made a subvolume meanwhile. Taken after the cut or before it can't be told, and the answer is the same.
        public void Finish() => SubvolumeTree.CheckNothingNested(data, record.Volume.Id);

        public Task<Snapshot> PublishAsync(CutMoment moment) => pool.TranslateAsync($"publish snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", () =>
        {
            var cut = snapshot with { CreatedAt = moment.At, Pause = moment.Pause };
            try
            {
                pool._snapshots.Publish(_staging!, new BtrfsSnapshotRecord(PoolDirectory.Format, cut, record.Family));
                return Task.FromResult(cut);
            }
            finally
            {
                _isPublished = pool._snapshots.Find(cut.Id.Key) is not null;
            }
        });

        public ValueTask DisposeAsync()
        {
            using (held)
            using (data)
                _staging?.Dispose();
            if (!_isPublished)
                pool._trash.Wake();
            return ValueTask.CompletedTask;
        }

        private void CheckUnchangedSince(Timestamp moment)
        {
            using var cut = Files.OpenDirectoryAt(_staging!.Directory, Data);
            if (Linux.Btrfs.FindChangedAfter(cut, _transaction, moment) is { } inode)
                throw new SourceChangedException($"inode {inode} of volume {record.Volume.Id} was changed after the write point");
        }
    }
}
