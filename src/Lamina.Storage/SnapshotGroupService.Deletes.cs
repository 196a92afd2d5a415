using Lamina.Storage.Operations;

namespace Lamina.Storage;

/// <content>How groups go: deleted, taken back, or discarded when a crash has left a part of one.</content>
public sealed partial class SnapshotGroupService
{
    /// <summary>Deletes a group with all its snapshots. One that does not exist is deleted already.</summary>
    /// <param name="id">The group.</param>
    /// <param name="members">The snapshots that the caller believes to be in it; null when it does not say.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: the group has other members. <see cref="StorageError.Unavailable"/>: the pool of a member is not loaded.
    /// </exception>
    public Task DeleteAsync(SnapshotGroupId id, IReadOnlyCollection<SnapshotId>? members, CancellationToken cancellationToken)
    {
        pools.CheckReady();

        // What is locked is known only from the group itself, which may be another one when the locks are there.
        var group = catalog.Find(id) ?? FindIncomplete(rest => rest.Id == id)?.Membership;
        IEnumerable<LockKey> locks = group is null ? [] : group.Members.Select(member => LockKey.Snapshot(member.Key));
        return operations.RunAsync($"delete snapshot group {id}", [LockKey.Group(id.Key), .. locks], () => DeleteLockedAsync(id, group, members), cancellationToken);
    }

    /// <summary>
    /// Discards what calls of this process could neither finish nor take back, and tells, once each, of other groups of which members are certainly
    /// gone: those were left by a crash, or by a pool that was brought back from a copy, and nobody but a person or a caller can say which. Nothing
    /// is touched as long as a pool that the group names is not loaded or has a record that can't be read.
    /// </summary>
    /// <returns>Whether nothing is left to discard.</returns>
    public async Task<bool> SettleIncompleteAsync(CancellationToken cancellationToken)
    {
        foreach (var group in catalog.IncompleteGroups())
        {
            if (!_unfinished.ContainsKey(group.Id))
            {
                var rest = catalog.RestOf(group);
                if (rest.Count > 0 && _reported.TryAdd(group.Id, true))
                    logger.GroupIncomplete(group.Id, rest.Count, group.Volumes.Length, string.Join(", ", rest.Select(snapshot => snapshot.Id)));
                continue;
            }
            try
            {
                await operations.RunAsync($"discard the incomplete snapshot group {group.Id}", [LockKey.Group(group.Id.Key)], () => DiscardLockedAsync(group), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                logger.GroupNotDiscarded(group.Id, e.Message);
            }
        }
        return _unfinished.IsEmpty;
    }

    private async Task DeleteLockedAsync(SnapshotGroupId id, SnapshotGroupMembership? locked, IReadOnlyCollection<SnapshotId>? members)
    {
        if (catalog.Find(id) is not { } group)
        {
            if (catalog.IncompleteGroups().FirstOrDefault(rest => rest.Id == id) is { } incomplete)
                await DiscardLockedAsync(incomplete).ConfigureAwait(false);
            else
                CheckUnknown(id);
            return;
        }
        if (locked is null || !locked.Volumes.SequenceEqual(group.Volumes))
            throw new StorageException(StorageError.Aborted, $"snapshot group {id} was made anew meanwhile; call again");
        CheckMembers(group, members);
        if (Find(id) is not { } whole)
            return;

        // From here on nobody sees it: what is to go, or half gone, is not what anybody asked for.
        _unfinished[id] = true;
        catalog.Hide([.. whole.Snapshots]);
        try
        {
            await RemoveRestAsync(group).ConfigureAwait(false);
        }
        catch when (catalog.RestOf(group).Count == whole.Snapshots.Count)
        {
            catalog.ShowAgain(group);
            _unfinished.TryRemove(id, out _);
            throw;
        }
        logger.GroupDeleted(id, whole.Snapshots.Count);
    }

    private static void CheckMembers(SnapshotGroupMembership group, IReadOnlyCollection<SnapshotId>? members)
    {
        if (members is not null && !group.Members.ToHashSet().SetEquals(members))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"snapshot group {group.Id} has the members {string.Join(", ", group.Members)}; the call names {(members.Count == 0 ? "none" : string.Join(", ", members))}");
        }
    }

    private async Task DiscardLockedAsync(SnapshotGroupMembership group)
    {
        var rest = catalog.RestOf(group);
        if (rest.Count == 0)
        {
            _unfinished.TryRemove(group.Id, out _);
            return;
        }
        foreach (var id in group.Volumes.Select(volume => volume.Pool).Distinct())
        {
            if (pools.ResolveUnlessForgotten(id) is { Unreadable: [var record, ..] } pool)
            {
                throw new StorageException(StorageError.DataLoss,
                    $"snapshot group {group.Id} is incomplete, but '{record.Path}' in pool '{pool.Name}' can't be read ({record.Reason}) and may belong to it. Mend or move it by hand, then restart the daemon");
            }
        }
        logger.GroupDiscarded(group.Id, rest.Count);
        await RemoveRestAsync(group).ConfigureAwait(false);
    }

    private async Task RemoveRestAsync(SnapshotGroupMembership group)
    {
        foreach (var snapshot in catalog.RestOf(group))
            await RemoveAsync(snapshot).ConfigureAwait(false);
        _unfinished.TryRemove(group.Id, out _);
        _reported.TryRemove(group.Id, out _);
    }

    // The failure of the group is what its caller hears; what could not be taken back is not seen, and discarded later.
    private async Task TakeBackAsync(List<Snapshot> published)
    {
        var group = published[0].Group!.Id;
        _unfinished[group] = true;
        catalog.Hide(published);
        var left = published.Count;
        foreach (var snapshot in published)
        {
            try
            {
                await RemoveAsync(snapshot).ConfigureAwait(false);
                left--;
            }
            catch (StorageException e)
            {
                logger.GroupNotTakenBack(group, snapshot.Id, e.Message);
            }
        }
        if (left == 0)
            _unfinished.TryRemove(group, out _);
    }

    private async Task RemoveAsync(Snapshot hidden)
    {
        try
        {
            await pools.Resolve(hidden.Id.Pool).Pool.DeleteSnapshotAsync(hidden).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Error == StorageError.NotFound)
        {
            // Gone already, by a call that failed after that.
        }
        catalog.RemoveHidden(hidden.Id);
    }

    // Its first member would lie in the pool that the id names, under a key that is known.
    private void CheckUnknown(SnapshotGroupId id) =>
        pools.ResolveUnlessForgotten(id.Pool)?.CheckReadable(ObjectKey.OfGroupMember(id.Key, 0), isSnapshot: true);
}
