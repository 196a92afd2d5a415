using System.Collections.Concurrent;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Going back to a snapshot in place. ZFS can roll back only by losing every later snapshot, so a clone takes the volume's place. That takes two renames, and
/// the first one decides: a clone that says which dataset it takes the place of, and finds that one thrown away and its place free, goes there at the next start.
/// </content>
internal sealed partial class ZfsPool
{
    // Datasets in the trash that may have to come back, as those that shall take their places are not there yet.
    private readonly ConcurrentDictionary<string, bool> _replaced = [];

    // Volumes of which ZFS has done the first rename, and then neither the second one nor its undoing.
    private readonly ConcurrentDictionary<ObjectKey, (string Staged, string Discarded)> _halfRestored = [];

    /// <inheritdoc/>
    public Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) => _edge.RunAsync($"restore volume '{volume.Name}'", async () =>
    {
        var (dataset, isEncrypted) = (PlaceOf(volume), volume.Parameters.Encryption is not null);
        var (staged, discarded) = (_layout.NewIncoming(volume.Id.Key, isEncrypted), _layout.NewTrash(volume.Id.Key, isEncrypted));
        try
        {
            await CheckUnusedAsync(volume, dataset).ConfigureAwait(false);
            DatasetProperties.Check(volume, _zfs.Dialect);
            await StageAsync(volume, snapshot, staged, discarded).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ZfsFailure or StorageException or LinuxException)
        {
            throw Unchanged(volume, e);
        }
        using (await _structure.ChangeAsync().ConfigureAwait(false))
        {
            _replaced[discarded] = true;
            try
            {
                await RenameAwayAsync(volume, dataset, discarded).ConfigureAwait(false);
                await _zfs.RenameAsync(staged, dataset).ConfigureAwait(false);
            }
            catch (ZfsFailure refused)
            {
                if (!await PutBackAsync(volume, staged, discarded, refused).ConfigureAwait(false))
                    throw _edge.Failed($"restore volume '{volume.Name}'", refused, changedNothing: true);
            }
            catch (Exception e) when (e is StorageException or LinuxException)
            {
                // Of the device of the volume, before anything was renamed: what a command says is a failure of ZFS, always.
                _replaced.TryRemove(discarded, out _);
                await DiscardAsync(staged).ConfigureAwait(false);
                throw Unchanged(volume, e);
            }
            _replaced.TryRemove(discarded, out _);
            MoveSnapshots(one => one.Dataset == dataset, discarded);
        }
        _rounds.Wake();
    });

    // What is told whoever asked when the volume is what it was.
    private StorageException Unchanged(Volume volume, Exception cause) => cause switch
    {
        ZfsFailure failure => _edge.Failed($"restore volume '{volume.Name}'", failure, changedNothing: true),
        LinuxException linux => StorageException.From($"restore volume '{volume.Name}' in pool '{_settings.Name}'", linux).ThatChangedNothing(),
        StorageException { ChangedNothing: true } told => told,
        var other => ((StorageException)other).ThatChangedNothing(),
    };

    private async Task StageAsync(Volume volume, Snapshot snapshot, string staged, string discarded)
    {
        // Only until it is made. What takes long, as a filesystem is looked through before it is used, keeps nobody waiting.
        using var kept = await _structure.KeepAsync().ConfigureAwait(false);
        var (_, source) = GetSnapshot(snapshot.Id.Key);
        if (volume.IsImage && (volume.FileSystem is not null || volume.Size != snapshot.Size) && await FindOwnKeyAsync(source).ConfigureAwait(false) is { IsAvailable: false })
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Id} is encrypted, and to take its {volume.FileSystem?.Name() ?? "device of another size"} back needs the key, which is loaded only while it, or a copy of it, is attached; make a new volume from the snapshot, with the key");
        }
        (string Name, string Value)[] properties = [.. DatasetProperties.OfCopy(volume, snapshot.Size), .. ZfsRecords.Of(volume), (ZfsRecords.Replaces, _layout.WithoutRoot(discarded))];
        await _zfs.CloneAsync($"{source}@{snapshot.Id.Key}", staged, properties).ConfigureAwait(false);
        kept.Dispose();
        if (volume.FileSystem is not { } fileSystem)
            return;
        try
        {
            await PrepareDeviceAsync(staged, volume with { Parameters = volume.Parameters with { Uid = null, Gid = null, Mode = null } }, fileSystem, isCopy: true).ConfigureAwait(false);
        }
        catch
        {
            await DiscardAsync(staged).ConfigureAwait(false);
            throw;
        }
    }

    // Until the volume is whole again nobody may touch either half: the old one would be destroyed, and the new one is what it is to be.
    // Answers whether it is restored after all, as what was refused may have been done.
    private async Task<bool> PutBackAsync(Volume volume, string staged, string discarded, ZfsFailure refused)
    {
        var dataset = _layout.VolumeOf(volume.Id.Key);
        try
        {
            if (await _zfs.ExistsAsync(discarded, CancellationToken.None).ConfigureAwait(false))
            {
                if (await _zfs.ExistsAsync(dataset, CancellationToken.None).ConfigureAwait(false))
                    return true;
                await RenameBackAsync(discarded, dataset).ConfigureAwait(false);
            }
        }
        catch (ZfsFailure again)
        {
            MoveSnapshots(one => one.Dataset == dataset, discarded);
            _halfRestored[volume.Id.Key] = (staged, discarded);
            _rounds.Wake();
            throw new StorageException(StorageError.Unavailable,
                $"can't restore volume '{volume.Name}' in pool '{_settings.Name}': {refused.Message}; nor could it be put back: {again.Message}. What it held is in {discarded}, "
                + $"what it is to hold in {staged}; nothing is lost, and as soon as ZFS lets it the restore is finished", again);
        }
        _replaced.TryRemove(discarded, out _);
        await DiscardAsync(staged).ConfigureAwait(false);
        _rounds.Wake();
        return false;
    }

    private async Task FinishHalfRestoredAsync(Dictionary<string, string> kept)
    {
        foreach (var (key, (staged, discarded)) in _halfRestored)
        {
            var dataset = _layout.VolumeOf(key);
            using var changing = await _structure.ChangeAsync().ConfigureAwait(false);
            if (await TryAsync(dataset, kept, () => FinishAsync(dataset, staged, discarded)).ConfigureAwait(false))
            {
                _halfRestored.TryRemove(key, out _);
                _replaced.TryRemove(discarded, out _);
            }
        }
    }

    private async Task<bool> FinishAsync(string dataset, string staged, string discarded)
    {
        if (await _zfs.ExistsAsync(discarded, CancellationToken.None).ConfigureAwait(false))
        {
            await _zfs.RenameAsync(staged, dataset).ConfigureAwait(false);
            return true;
        }
        // Nobody could tell at the time whether the first rename was done. It was not, so all is as it was.
        MoveSnapshots(one => one.Dataset == discarded, dataset);
        await DiscardAsync(staged).ConfigureAwait(false);
        return true;
    }

    // Where a volume is, unless it is between two places.
    private string PlaceOf(Volume volume) => !_halfRestored.ContainsKey(volume.Id.Key) ? _layout.VolumeOf(volume.Id.Key) : throw new StorageException(StorageError.Unavailable,
        $"volume {volume.Id} is half restored, as ZFS refused the last step; that is tried again twice a minute, and what is in the way is told by: lamina doctor");

    // What nobody has seen yet goes at once, also where nothing else may be swept. Where it is busy it goes behind the scenes, or by the next start; the
    // failure that led here is the one to tell.
    private async Task DiscardAsync(string staged)
    {
        try
        {
            try
            {
                await _zfs.DestroyAsync(staged).ConfigureAwait(false);
            }
            catch (ZfsFailure)
            {
                await _zfs.RenameAsync(staged, _layout.NewTrash(staged)).ConfigureAwait(false);
                _rounds.Wake();
            }
        }
        catch (ZfsFailure e)
        {
            _logger.NotInOrder(_settings.Name, $"{staged} is left of what failed, until the next start: {e.Message}");
        }
    }

    // What a daemon that was killed between the two renames had decided.
    private async Task<ZfsInventory> FinishRestoresAsync(ZfsInventory inventory, CancellationToken cancellationToken)
    {
        var names = inventory.Datasets.Select(one => one.Name).ToHashSet();
        var isChanged = false;
        foreach (var staged in inventory.Datasets.Where(one => _layout.IsIncoming(one.Name) && IsOurs(inventory, one)))
        {
            if (staged.Own(ZfsRecords.Replaces) is not { } replaced || !names.Contains($"{_layout.Root}/{replaced}")
                || _layout.KeyOfTrash($"{_layout.Root}/{replaced}") is not { } key || names.Contains(_layout.VolumeOf(key)))
                continue;
            await _zfs.RenameAsync(staged.Name, _layout.VolumeOf(key)).ConfigureAwait(false);
            isChanged = true;
        }
        return isChanged ? await ZfsInventory.ReadAsync(_zfs, _layout.Root, cancellationToken).ConfigureAwait(false) : inventory;
    }
}
