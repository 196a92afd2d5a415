using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <inheritdoc/>
    public Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => TranslateAsync<ISnapshotCut>($"begin snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", async () =>
    {
        _snapshots.CheckFree(snapshot.Id.Key);
        return new SnapshotCut(this, snapshot, await BeginCutAsync(volume).ConfigureAwait(false));
    });

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => TranslateAsync($"delete snapshot '{snapshot.Name}'", () =>
    {
        var record = _snapshots.Get(snapshot.Id.Key);
        _snapshots.Discard(record.Key);
        Release(record.Chain);
        return Task.CompletedTask;
    });

    private Snapshot Publish(Snapshot snapshot, VolumeCut cut)
    {
        var chain = cut.Take();
        try
        {
            using var staging = new StagedObject(_directory);
            _snapshots.Publish(staging, new OverlaySnapshotRecord(PoolDirectory.Format, snapshot, chain));
            _usage.Sealed(chain);
            return snapshot;
        }
        catch when (_snapshots.Find(snapshot.Id.Key) is null)
        {
            Release(chain);
            throw;
        }
    }

    /// <summary>Gives a volume that is not mounted a new empty head; the old one becomes the top of its chain.</summary>
    private OverlayVolumeRecord SealHead(OverlayVolumeRecord record)
    {
        var head = _layers.Create(_layers.ReadRoot(record.Head));
        try
        {
            var next = record with { Head = head, Chain = record.Chain.Insert(0, record.Head), Project = _quotas.Limit(head, record.Volume.Size) };
            _directory.FlushBefore();
            _volumes.Replace(next);
            _quotas.Drop(record.Project);
            _usage.Measure([head]);
            _usage.Sealed([record.Head]);
            return next;
        }
        catch when (_volumes.ReadAgain(record.Key) is { } left && left.Head != head)
        {
            // The disk was full before the record was replaced. Later, which of the two will be on the disk can't be known: both are true, and the
            // new head stays for the next load to judge.
            Release(head);
            throw;
        }
    }

    /// <summary>A cut that becomes a snapshot.</summary>
    private sealed class SnapshotCut(OverlayPool pool, Snapshot snapshot, VolumeCut cut) : ISnapshotCut
    {
        public VolumeId Volume => cut.Volume;

        public string? MountPoint => cut.MountPoint;

        public bool StopsWriters => cut.StopsWriters;

        public PauseLimits Limits => cut.Limits;

        public void Prepare() => cut.Prepare();

        public void Cut(WritePoint point) => cut.Cut(point);

        public void Finish() => cut.Finish();

        public Task<Snapshot> PublishAsync(CutMoment moment) => pool.TranslateAsync(
            $"publish snapshot '{snapshot.Name}' of volume {snapshot.SourceVolume}", () => Task.FromResult(pool.Publish(snapshot with { CreatedAt = moment.At, Pause = moment.Pause }, cut)));

        public ValueTask DisposeAsync() => cut.DisposeAsync();
    }
}
