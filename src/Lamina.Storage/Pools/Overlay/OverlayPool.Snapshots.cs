using System.Collections.Immutable;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <inheritdoc/>
    public Task<Snapshot> CreateSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => TranslateAsync($"snapshot volume '{volume.Volume.Name}'", async () =>
    {
        _snapshots.CheckFree(snapshot.Id.Key);
        var cut = await CutAsync(volume).ConfigureAwait(false);
        try
        {
            var cutSnapshot = snapshot with { CreatedAt = cut.At, Pause = cut.Pause };
            using var staging = new StagedObject(_directory);
            _snapshots.Publish(staging, new OverlaySnapshotRecord(PoolDirectory.Format, cutSnapshot, cut.Chain));
            _usage.Sealed(cut.Chain);
            return cutSnapshot;
        }
        catch when (_snapshots.Find(snapshot.Id.Key) is null)
        {
            Release(cut.Chain);
            throw;
        }
    });

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => TranslateAsync($"delete snapshot '{snapshot.Name}'", () =>
    {
        var record = _snapshots.Get(snapshot.Id.Key);
        _snapshots.Discard(record.Key);
        Release(record.Chain);
        return Task.CompletedTask;
    });

    /// <summary>The volume as it is now: a chain of sealed layers, with a reference each for the caller.</summary>
    private async Task<Cut> CutAsync(VolumeInUse volume)
    {
        using var held = await LockRecordAsync(volume.Volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Volume.Id.Key);
        if (volume.MountPoint is { } mountPoint)
        {
            CheckDepth(record);
            return await CutMountedAsync(record, mountPoint).ConfigureAwait(false);
        }

        CheckNotMounted(record);
        if (_layers.IsUntouched(record.Head, record.Chain))
        {
            _layers.References.Add(record.Chain);
            return new Cut(record.Chain, _time.GetUtcNow(), null);
        }
        CheckDepth(record);
        var at = _time.GetUtcNow();
        var sealedRecord = SealHead(record);
        _layers.References.Add(sealedRecord.Chain);
        return new Cut(sealedRecord.Chain, at, null);
    }

    private async Task<Cut> CutMountedAsync(OverlayVolumeRecord record, string mountPoint)
    {
        var copy = _layers.Create(_layers.ReadRoot(record.Head));
        try
        {
            using var source = _layers.OpenDiff(record.Head);
            using var target = _layers.OpenDiff(copy);
            var result = await _cut.RunAsync(
                new LiveCutRequest(record.Volume.Id, mountPoint, _directory.Root, source, target, _settings.PauseWriters, _settings.MaxPause)).ConfigureAwait(false);
            _layers.References.Add(record.Chain);
            _usage.Refresh(record.Head);
            return new Cut(record.Chain.Insert(0, copy), result.At, result.Pause);
        }
        catch
        {
            Release(copy);
            throw;
        }
    }

    private static void CheckDepth(OverlayVolumeRecord record)
    {
        if (record.Chain.Length + 1 >= MaxLayers)
        {
            throw new StorageException(StorageError.ResourceExhausted,
                $"volume {record.Volume.Id} lies on {record.Chain.Length} layers, and {MaxLayers} are the most; detach it, which merges them, and call again");
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

    /// <summary>A volume at one moment.</summary>
    private sealed record Cut(ImmutableArray<LayerId> Chain, DateTimeOffset At, TimeSpan? Pause);
}
