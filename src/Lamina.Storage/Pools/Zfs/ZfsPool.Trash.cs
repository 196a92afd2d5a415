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

    // Those that wait, as they were after they have lost what was theirs alone.
    private readonly HashSet<string> _rolledBack = [];
    private readonly Dictionary<string, string> _reported = [];

    private async Task<TimeSpan?> RunRoundAsync(CancellationToken stopping)
    {
        using var scope = CallScope.BeginOwn(_logger, "look_after_pool");
        try
        {
            await LookAtHealthAsync(stopping).ConfigureAwait(false);
            var kept = new Dictionary<string, string>();
            // What changes during a look may be seen as it never was: what is in the way must be so twice.
            var isSecondLook = false;
            while (await ReclaimAsync(kept, stopping).ConfigureAwait(false) || (kept.Count > 0 && !isSecondLook))
            {
                isSecondLook = kept.Count > 0;
                kept.Clear();
            }
            Report(kept);
            scope.End("OK");
            return kept.Count > 0 && RetryAfter < _settings.UsageInterval ? RetryAfter : _settings.UsageInterval;
        }
        catch (ZfsFailure e)
        {
            // Whatever goes wrong is tried again: space must come back some day.
            scope.End(e.Error.ToString());
            Report(new Dictionary<string, string> { ["everything"] = e.Message });
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
        if (!_maySweep)
            return false;
        var isChanged = false;
        foreach (var snapshot in inventory.Snapshots.Where(one => one.IsOurs && ZfsLayout.IsTrashSnapshot(one.SnapshotName!) && !inventory.ClonesOf(one.Name).Any()))
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
            isChanged |= await ReclaimAsync(inventory, dataset, kept).ConfigureAwait(false);
        }
        return isChanged;
    }

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
        if (last is not null && snapshots.SkipWhile(one => one != last).Skip(1).All(IsGoing))
        {
            // Never one that is deleted too: that would give it back at the next look, for ever. It goes by itself, or by a volume that lives from it.
            return inventory.ClonesOf(last.Name).FirstOrDefault(clone => _layout.VolumeName(clone.Name) is not null) is { } heir
                && await TryAsync(dataset.Name, kept, () => PromoteAsync(heir.Name)).ConfigureAwait(false);
        }
        if (!_rolledBack.Contains(dataset.Name) && !snapshots.All(IsGoing))
            await TryAsync(dataset.Name, kept, () => EmptyAsync(dataset, snapshots[^1])).ConfigureAwait(false);
        return false;
    }

    private static bool IsGoing(ZfsObject snapshot) => snapshot.IsOurs && ZfsLayout.IsTrashSnapshot(snapshot.SnapshotName!);

    private async Task<bool> PromoteAsync(string clone)
    {
        using var changing = await _structure.ChangeAsync().ConfigureAwait(false);
        // It hands the key on too, but not that it is loaded: what is attached, or just about to be, would lose it. The last detach calls again.
        if (await FindOwnKeyAsync(clone).ConfigureAwait(false) is { IsAvailable: true })
            return false;
        await _zfs.PromoteAsync(clone).ConfigureAwait(false);
        var inventory = await ZfsInventory.ReadAsync(_zfs, _layout.Root, CancellationToken.None).ConfigureAwait(false);
        foreach (var one in inventory.Snapshots.Where(IsSnapshot))
        {
            if (ObjectKey.TryParse(one.SnapshotName, out var key) && _snapshots.TryGetValue(key, out var known) && known.Dataset != one.Dataset)
                _snapshots[key] = known with { Dataset = one.Dataset };
        }
        return true;
    }

    private async Task EmptyAsync(ZfsObject dataset, ZfsObject latest)
    {
        if (dataset.Size("refreservation") is not null)
            await _zfs.SetAsync(dataset.Name, ("refreservation", "none")).ConfigureAwait(false);
        await _zfs.RollBackAsync(latest.Name).ConfigureAwait(false);
        _rolledBack.Add(dataset.Name);
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
            _logger.TrashKept(_settings.Name, name, reason);
        }
        _waiting = [.. kept.Where(one => one.Key != "everything").Select(one => $"{one.Key} is deleted, but keeps its space: {one.Value}")];
    }
}
