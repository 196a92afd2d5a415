using System.Collections.Concurrent;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Images;

namespace Lamina.Storage.Pools.Zfs;

internal sealed partial class ZfsPool
{
    // Those that are under way, where ZFS cuts several by one command.
    private readonly ConcurrentDictionary<SnapshotGroupId, ZfsGroupCut> _groupCuts = [];

    /// <inheritdoc/>
    /// <remarks>One command, without stopping anybody: what a power cut would have left. For a group too, where ZFS takes several in one command.</remarks>
    public Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => _edge.RunAsync<ISnapshotCut>($"begin snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", async () =>
    {
        var key = snapshot.Id.Key;
        if (_snapshots.ContainsKey(key) || _unreadableSnapshots.Contains(key))
            throw new StorageException(StorageError.AlreadyExists, $"a snapshot '{key}' exists already in the pool at {_layout.Root}");
        var dataset = PlaceOf(volume.Volume);
        if (snapshot.Group is not null && volume.MountPoint is null && !volume.Volume.IsImage && ZfsMounts.Find(dataset) is { } mount)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Volume.Id} is detached, but still mounted {mount}, so it can't be cut at one moment with others; end what has it mounted and call again");
        }
        var hold = await HoldAsync(volume, isOfGroup: snapshot.Group is not null).ConfigureAwait(false);
        var together = snapshot.Group is { } group && _zfs.Dialect.TakesSeveral ? _groupCuts.GetOrAdd(group.Id, _ => new ZfsGroupCut(_zfs, group)) : null;
        together?.Add($"{dataset}@{key}", snapshot, hold?.Hold);
        return new SnapshotCut(this, snapshot, dataset, volume.MountPoint, hold?.Device, hold?.Hold, together);
    });

    /// <inheritdoc/>
    /// <remarks>By a rename, as it may be long in going, and stays as long as something lives from it.</remarks>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => _edge.RunAsync($"delete snapshot '{snapshot.Name}'", async () =>
    {
        using (await _structure.KeepAsync().ConfigureAwait(false))
        {
            var (_, dataset) = GetSnapshot(snapshot.Id.Key);
            await _zfs.RenameAsync($"{dataset}@{snapshot.Id.Key}", $"{dataset}@{ZfsLayout.NewTrashSnapshot()}").ConfigureAwait(false);
            _snapshots.TryRemove(snapshot.Id.Key, out _);
        }
        _rounds.Wake();
    });

    private (Snapshot Snapshot, string Dataset) GetSnapshot(ObjectKey key) =>
        _snapshots.TryGetValue(key, out var known) ? known : throw new StorageException(StorageError.NotFound, $"there is no snapshot '{key}' in the pool at {_layout.Root}");

    private void MoveSnapshots(Func<(Snapshot Snapshot, string Dataset), bool> which, string dataset)
    {
        foreach (var (key, one) in _snapshots.Where(entry => which(entry.Value)).ToList())
            _snapshots[key] = one with { Dataset = dataset };
    }

    /// <summary>
    /// A snapshot that says when it was cut is there; before that it is nobody's. Its volume is locked by whoever cuts it, so its path does not change.
    /// </summary>
    private sealed class SnapshotCut(
        ZfsPool pool, Snapshot snapshot, string dataset, string? mountPoint, ZvolDevice? device, DeviceHold? hold, ZfsGroupCut? together) : ISnapshotCut
    {
        private readonly string _name = $"{dataset}@{snapshot.Id.Key}";
        private bool _isCutAlone;
        private bool _isPublished;

        public VolumeId Volume => snapshot.SourceVolume;

        public string? MountPoint => mountPoint;

        public bool StopsWriters => false;

        public bool HoldsWriters => hold is { HoldsWriters: true };

        public string? StopObstacle => hold?.StopObstacle;

        public object? TakenTogether => together;

        public PauseLimits Limits => pool._settings.PauseLimits;

        private bool IsCut => together?.IsTaken ?? _isCutAlone;

        public void Prepare()
        {
            if (hold is not null)
                hold.Prepare();
            else
                WriteBack(mountPoint);
        }

        public void Hold() => hold?.Hold();

        public void Cut(WritePoint point) => pool._edge.RunAsync($"cut snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", async () =>
        {
            if (together is not null)
            {
                await together.TakeAsync(point).ConfigureAwait(false);
                return;
            }
            hold?.BeforeCut();
            // What is left of a cut that is void goes first.
            if (_isCutAlone)
                await pool._zfs.DestroyAsync(_name).ConfigureAwait(false);
            _isCutAlone = false;
            await pool._zfs.SnapshotAsync([_name], ZfsRecords.Of(snapshot)).ConfigureAwait(false);
            _isCutAlone = true;
        }).GetAwaiter().GetResult();

        public void LetGo() => hold?.LetGo();

        // Durable already.
        public void Finish() => hold?.Finish();

        public Task<Snapshot> PublishAsync(CutMoment moment) => pool._edge.RunAsync($"publish snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", async () =>
        {
            await pool._zfs.SetAsync(_name, ZfsRecords.Of(moment with { Pause = moment.Pause ?? hold?.Pause })).ConfigureAwait(false);
            var cut = snapshot with { CreatedAt = moment.At, Pause = moment.Pause ?? hold?.Pause };
            pool._snapshots[cut.Id.Key] = (cut, dataset);
            _isPublished = true;
            return cut;
        });

        // What can't be destroyed now is out of the way at least.
        public async ValueTask DisposeAsync()
        {
            hold?.Dispose();
            device?.Dispose();
            if (snapshot.Group is { } group)
                pool._groupCuts.TryRemove(group.Id, out _);
            if (!IsCut || _isPublished)
                return;
            await pool._edge.RunAsync($"give up snapshot '{snapshot.Name}'", () => pool._zfs.RenameAsync(_name, $"{dataset}@{ZfsLayout.NewTrashSnapshot()}")).ConfigureAwait(false);
            pool._rounds.Wake();
        }
    }
}
