using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;

namespace Lamina.Testing.Pools;

/// <summary>A pool that is wrong in one way, to show that the specification's tests notice.</summary>
public sealed class BrokenPool(InMemoryStore store, Breakage breakage) : InMemoryPool(store)
{
    // Initialised before the base constructor runs, which takes the lock.
    private readonly Breakage _breakage = breakage;

    /// <inheritdoc/>
    public override async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        var contents = await base.LoadAsync(cancellationToken);
        return _breakage == Breakage.ForgetsAtRestart ? contents with { Volumes = [] } : contents;
    }

    /// <inheritdoc/>
    public override PoolCapacity GetCapacity()
    {
        var capacity = base.GetCapacity();
        return _breakage == Breakage.PromisesMoreThanThereIs ? capacity with { Available = new ByteSize(capacity.Total.Bytes * 2) } : capacity;
    }

    /// <inheritdoc/>
    public override async Task CreateVolumeAsync(Volume volume, VolumeContent source)
    {
        var key = volume.Id.Key;
        switch (_breakage, source)
        {
            case (Breakage.OverwritesTheKey, _):
                Store.Volumes.TryRemove(key, out _);
                break;
            case (Breakage.TakenKeyIsInternal, _) when Store.Volumes.ContainsKey(key):
                throw new StorageException(StorageError.Internal, "mkdir: File exists");
            case (Breakage.RestoreIsTheSnapshot, VolumeContent.OfSnapshot of):
                Store.Volumes[key] = (volume, Store.Snapshots[of.Snapshot.Id.Key].Data);
                return;
            case (Breakage.RestoreIsEmpty, VolumeContent.OfSnapshot):
                source = new VolumeContent.Empty();
                break;
            case (Breakage.CloneIsItsSource, VolumeContent.OfVolume of):
                Store.Volumes[key] = (volume, Store.Volumes[of.Volume.Volume.Id.Key].Data);
                return;
        }
        await base.CreateVolumeAsync(volume, source);
        var data = Store.Volumes[key].Data;
        switch (_breakage, source)
        {
            case (Breakage.LosesTheLabels, _):
                Store.Volumes[key] = (volume with { Labels = ImmutableSortedDictionary<string, string>.Empty }, data);
                break;
            case (Breakage.RootIsOpenToAll, VolumeContent.Empty):
                SetRoot(data, 0, 0x1FF);
                break;
            case (Breakage.CopyLosesItsRoot, not VolumeContent.Empty) or (Breakage.IgnoresRootParameters, _):
                SetRoot(data, 0, 0x1ED);
                break;
        }
    }

    /// <inheritdoc/>
    public override async Task DeleteVolumeAsync(Volume volume)
    {
        switch (_breakage)
        {
            case Breakage.DeletesWhatIsMounted:
                Store.Volumes.TryRemove(volume.Id.Key, out _);
                return;
            case Breakage.DeleteLeavesTheRecord:
                Store.Volumes[volume.Id.Key] = (volume, NewRoot());
                return;
            case Breakage.SnapshotDiesWithItsVolume:
                foreach (var (snapshot, _) in Store.Snapshots.Values.Where(entry => entry.Snapshot.SourceVolume == volume.Id))
                    Store.Snapshots.TryRemove(snapshot.Id.Key, out _);
                break;
        }
        await base.DeleteVolumeAsync(volume);
    }

    /// <inheritdoc/>
    public override Task ResizeVolumeAsync(Volume resized) =>
        _breakage == Breakage.ForgetsTheResize ? Task.CompletedTask : base.ResizeVolumeAsync(resized);

    /// <inheritdoc/>
    public override Task ModifyVolumeAsync(Volume modified) =>
        _breakage == Breakage.ForgetsTheAttributes ? Task.CompletedTask : base.ModifyVolumeAsync(modified);

    /// <inheritdoc/>
    public override async Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume)
    {
        var cut = await base.BeginSnapshotAsync(snapshot, volume);
        if (_breakage == Breakage.SnapshotAppearsBeforeItIsPublished)
            Store.Snapshots[snapshot.Id.Key] = (snapshot, NewRoot());
        return _breakage == Breakage.CutIsTakenOnce ? new CutOnce(cut) : cut;
    }

    /// <inheritdoc/>
    public override VolumeUsage? GetUsage(Volume volume)
    {
        var capacity = base.GetCapacity();
        return _breakage == Breakage.TellsTheDisksUsage
            ? new VolumeUsage(new ByteSize(capacity.Total.Bytes - capacity.Available.Bytes), null, TimeProvider.System.GetUtcNow())
            : null;
    }

    /// <inheritdoc/>
    protected override Snapshot Publish(Snapshot snapshot, string data)
    {
        var key = snapshot.Id.Key;
        if (_breakage == Breakage.SnapshotAppearsBeforeItIsPublished)
            Store.Snapshots.TryRemove(key, out _);
        var published = base.Publish(snapshot, data);
        if (_breakage == Breakage.SnapshotIsTheVolume)
            Store.Snapshots[key] = (published, Store.Volumes[snapshot.SourceVolume.Key].Data);
        if (_breakage == Breakage.SnapshotHasNoMoment)
            Store.Snapshots[key] = (published = published with { CreatedAt = DateTimeOffset.UnixEpoch }, data);
        return published;
    }

    /// <inheritdoc/>
    protected override bool TryLock() => _breakage == Breakage.HasNoLock || base.TryLock();

    /// <inheritdoc/>
    protected override void Unlock()
    {
        if (_breakage != Breakage.HasNoLock)
            base.Unlock();
    }

    private static void SetRoot(string data, uint owner, uint mode)
    {
        using var root = Files.OpenDirectory(data);
        Files.ChangeOwner(root, owner, owner);
        Files.ChangeMode(root, mode);
    }

    private sealed class CutOnce(ISnapshotCut cut) : ISnapshotCut
    {
        private bool _isCut;

        public VolumeId Volume => cut.Volume;

        public string? MountPoint => cut.MountPoint;

        public bool StopsWriters => cut.StopsWriters;

        public PauseLimits Limits => cut.Limits;

        public void Prepare() => cut.Prepare();

        public void Cut(WritePoint point)
        {
            if (!_isCut)
                cut.Cut(point);
            _isCut = true;
        }

        public void Finish() => cut.Finish();

        public Task<Snapshot> PublishAsync(CutMoment moment) => cut.PublishAsync(moment);

        public ValueTask DisposeAsync() => cut.DisposeAsync();
    }
}
