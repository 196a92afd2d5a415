using Lamina.Storage.Operations;

namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// What is deleted and what becomes of it. A snapshot is destroyed when nothing is made from it any more. A dataset is destroyed when it has no snapshots
/// any more; when its last ones are those that a clone was made from, the clone is made their owner, so that it need not wait for the clone. Until then
/// it is taken back to its latest snapshot, which frees what only itself held.
/// </content>
internal sealed partial class ZfsPool
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    private const string Stranger = "it is not ours, as it has no record of a volume of this pool or no name of ours, and so stays";

    // Those that wait and have lost what was theirs alone, with the snapshot that they were taken back to: by when it was cut, as its name changes.
    private readonly Dictionary<string, long> _rolledBack = [];
    private readonly Dictionary<string, string> _reported = [];

    private async Task<TimeSpan?> RunRoundAsync(CancellationToken stopping)
    {
        using var scope = CallScope.BeginOwn(_logger, "look_after_pool");
        try
        {
            await LookAtHealthAsync(stopping).ConfigureAwait(false);
            var kept = new Dictionary<string, string>();
            await FinishHalfRestoredAsync(kept).ConfigureAwait(false);
            // What changes during a look may be seen as it never was: what is in the way must be so twice.
            var isSecondLook = false;
            while (await ReclaimAsync(kept, stopping).ConfigureAwait(false) || (kept.Count > 0 && !isSecondLook))
            {
                isSecondLook = kept.Count > 0;
                kept.Clear();
                await FinishHalfRestoredAsync(kept).ConfigureAwait(false);
            }
            Report(kept);
            scope.End("OK");
            return kept.Count > 0 && RetryAfter < _settings.UsageInterval ? RetryAfter : _settings.UsageInterval;
        }
        catch (ZfsFailure e)
        {
            // Whatever goes wrong is tried again: space must come back some day.
            scope.End(e.Error.ToString());
            Report(new Dictionary<string, string> { [_layout.Root] = e.Message });
            return RetryAfter;
        }
    }

    /// <summary>One look at everything.</summary>
    /// <param name="kept">What can't go, with what is in its way and does not go by itself.</param>
    /// <param name="stopping">The daemon ends.</param>
    /// <returns>Whether something has changed, so that it is worth another look.</returns>
    private async Task<bool> ReclaimAsync(Dictionary<string, string> kept, CancellationToken stopping)
    {
        var inventory = await ZfsInventory.ReadAsync(_zfs, _layout.Root, stopping).ConfigureAwait(false);
        TakeSample(inventory);
        await LockUnusedAsync(inventory, kept).ConfigureAwait(false);
        if (!_maySweep)
            return false;
        var isChanged = false;
        foreach (var snapshot in inventory.Snapshots.Where(one => IsGoing(one) && !inventory.ClonesOf(one.Name).Any() && IsOfOurs(inventory, one)))
        {
            stopping.ThrowIfCancellationRequested();
            if (_copyPoints.ContainsKey(snapshot.Name))
                continue;
            if (snapshot.IsHeld)
                kept[snapshot.Name] = $"somebody holds it; see: zfs holds {snapshot.Name}";
            else
                isChanged |= await TryAsync(snapshot.Name, kept, () => _zfs.DestroyAsync(snapshot.Name)).ConfigureAwait(false);
        }
        foreach (var dataset in inventory.Datasets.Where(one => _layout.IsTrash(one.Name) && !_replaced.ContainsKey(one.Name)))
        {
            stopping.ThrowIfCancellationRequested();
            if (IsOurs(inventory, dataset))
                isChanged |= await ReclaimAsync(inventory, dataset, kept).ConfigureAwait(false);
            else
                kept[dataset.Name] = Stranger;
        }
        foreach (var dataset in inventory.Datasets.Where(one => _layout.IsIncoming(one.Name) && !IsOurs(inventory, one)))
            kept[dataset.Name] = Stranger;
        foreach (var gone in _rolledBack.Keys.Where(name => inventory.Find(name) is null).ToList())
            _rolledBack.Remove(gone);
        return isChanged;
    }

    // Others may have received or renamed something to where we build and throw away. Ours has a name of the form that we give, and the record of a volume of
    // this pool. Only what a power cut left between the two steps in which ZFS makes a dataset and sets its properties has no record yet. That holds nothing;
    // but so little as a small file can't be told from nothing by what ZFS counts, so its name must be one that nobody else would have come upon.
    private bool IsOurs(ZfsInventory inventory, ZfsObject dataset) => dataset.Own(ZfsRecords.Volume) is not null
        ? _layout.IsNamedByUs(dataset.Name) && ZfsRecords.IsVolumeOf(dataset, Description.Id)
        : _layout.IsNamedUnfinished(dataset.Name) && IsUnfinished(inventory, dataset);

    // What is encrypted takes four times as much and a little more, however empty; its name can't be anybody else's.
    private bool IsUnfinished(ZfsInventory inventory, ZfsObject dataset) =>
        inventory.SnapshotsOf(dataset.Name).Count == 0 && !inventory.HasChildren(dataset.Name)
        && (dataset.Origin is null || inventory.Find(dataset.Origin) is { IsOurs: true })
        && dataset.Number("usedbydataset") is { } used && inventory.Find(_layout.Incoming)?.Number("usedbydataset") is { } empty
        && used <= (ZfsLayout.NameBeneath(_layout.Volumes, dataset.Name) is null ? empty : 8 * empty);

    // Whether a dataset, or that of a snapshot, is ours: a volume, or one that waits.
    private bool IsOfOurs(ZfsInventory inventory, ZfsObject one) => inventory.Find(one.Dataset) is { } dataset
        && (_layout.VolumeName(dataset.Name) is { } name ? ZfsRecords.ReadVolume(dataset, name, Description.Id).Volume is not null : _layout.IsTrash(dataset.Name) && IsOurs(inventory, dataset));

    private async Task<bool> ReclaimAsync(ZfsInventory inventory, ZfsObject dataset, Dictionary<string, string> kept)
    {
        var snapshots = inventory.SnapshotsOf(dataset.Name);
        if (inventory.HasChildren(dataset.Name))
        {
            kept[dataset.Name] = $"it has datasets beneath it, which are not ours; see: zfs list -r {dataset.Name}";
            return false;
        }
        if (snapshots.Count == 0)
            return await TryAsync(dataset.Name, kept, () => _zfs.DestroyAsync(dataset.Name)).ConfigureAwait(false);
        if (snapshots.FirstOrDefault(one => !one.IsOurs) is { } foreign)
            kept[dataset.Name] = $"it has the snapshot {foreign.SnapshotName}, which is not ours and so stays; when nobody needs it: zfs destroy {foreign.Name}";

        // Only what comes after the last clone's snapshot stays here, so that must be nothing.
        var last = snapshots.LastOrDefault(one => inventory.ClonesOf(one.Name).Any());
        // Never to one that is deleted too: that would give it back at the next look, for ever. It goes by itself, or by a volume that lives from it.
        if (last is not null && snapshots.SkipWhile(one => one != last).Skip(1).All(IsGoing)
            && inventory.ClonesOf(last.Name).FirstOrDefault(clone => _layout.VolumeName(clone.Name) is not null) is { } heir
            && await TryAsync(dataset.Name, kept, () => PromoteAsync(heir.Name, last, kept)).ConfigureAwait(false))
        {
            return true;
        }
        // Where all of them are about to go, it goes with them.
        if ((!_rolledBack.TryGetValue(dataset.Name, out var latest) || latest != snapshots[^1].Transaction) && snapshots.Any(one => !IsGoing(one) || inventory.ClonesOf(one.Name).Any()))
            await TryAsync(dataset.Name, kept, () => EmptyAsync(dataset, snapshots[^1])).ConfigureAwait(false);
        return false;
    }

    private static bool IsGoing(ZfsObject snapshot) => snapshot.IsOurs && ZfsLayout.IsTrashSnapshot(snapshot.SnapshotName!);

    private async Task<bool> PromoteAsync(string clone, ZfsObject last, Dictionary<string, string> kept)
    {
        using var changing = await _structure.ChangeAsync().ConfigureAwait(false);
        // It may have been restored to another snapshot since it was looked at.
        if (new ZfsObject(clone, await _zfs.GetAsync(clone, deep: false, ["origin"], CancellationToken.None).ConfigureAwait(false)).Origin != last.Name)
            return false;
        // It hands the key on too, but not that it is loaded: what is attached, or just about to be, would lose it. The last detach calls again.
        if (await FindOwnKeyAsync(clone).ConfigureAwait(false) is { IsAvailable: true })
        {
            kept[last.Dataset] = $"{clone} lives from it, and one that has the same key is attached; it goes when that is detached";
            return false;
        }
        await _zfs.PromoteAsync(clone).ConfigureAwait(false);
        // All that anybody knows of, as what came after it is deleted. At once: whoever asked next would look for them where they were.
        MoveSnapshots(known => known.Dataset == last.Dataset, clone);
        return true;
    }

    private async Task EmptyAsync(ZfsObject dataset, ZfsObject latest)
    {
        if (dataset.Size("refreservation") is not null)
            await _zfs.SetAsync(dataset.Name, ("refreservation", "none")).ConfigureAwait(false);
        await _zfs.RollBackAsync(latest.Name).ConfigureAwait(false);
        _rolledBack[dataset.Name] = latest.Transaction;
    }

    private static Task<bool> TryAsync(string name, Dictionary<string, string> kept, Func<Task> change) => TryAsync(name, kept, async () =>
    {
        await change().ConfigureAwait(false);
        return true;
    });

    private static async Task<bool> TryAsync(string name, Dictionary<string, string> kept, Func<Task<bool>> change)
    {
        try
        {
            return await change().ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            kept[name] = e.Message;
            return false;
        }
    }

    // Said once per reason, not with every retry.
    private void Report(Dictionary<string, string> kept)
    {
        foreach (var gone in _reported.Keys.Where(name => !kept.ContainsKey(name)).ToList())
            _reported.Remove(gone);
        foreach (var (name, reason) in kept.Where(one => _reported.GetValueOrDefault(one.Key) != one.Value))
        {
            _reported[name] = reason;
            _logger.NotInOrder(_settings.Name, ProblemOf(name, reason));
        }
        _waiting = [.. kept.Select(one => ProblemOf(one.Key, one.Value))];
    }

    private string ProblemOf(string name, string reason) =>
        name == _layout.Root ? $"what is deleted in {name} can't be looked after just now: {reason}"
        : reason == Stranger ? $"{name} lies where Lamina builds and throws away, but {reason}; to take it elsewhere: zfs rename {name} {_layout.Pool}/NAME"
        : reason.StartsWith(KeyStays, StringComparison.Ordinal) ? $"{name}: {reason}"
        : _layout.VolumeName(name) is not null && !name.Contains('@') ? $"{name} waits: {reason}"
        : $"{name} is deleted, but keeps its space: {reason}";
}
