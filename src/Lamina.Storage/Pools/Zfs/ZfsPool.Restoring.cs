using System.Collections.Concurrent;

namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Going back to a snapshot in place. ZFS can roll back only by losing every later snapshot, so a clone takes the volume's place. That takes two renames, and
/// the first one decides: a clone that says which dataset it takes the place of, and finds that one thrown away and its place free, goes there at the next start.
/// </content>
internal sealed partial class ZfsPool
{
    // Datasets in the trash that may have to come back, as those that shall take their places are not there yet.
    private readonly ConcurrentDictionary<string, bool> _replaced = [];

    /// <inheritdoc/>
    public Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) => _edge.RunAsync($"restore volume '{volume.Name}'", async () =>
    {
        var (dataset, isEncrypted) = (_layout.VolumeOf(volume.Id.Key), volume.Parameters.Encryption is not null);
        await CheckUnusedAsync(volume, dataset).ConfigureAwait(false);
        DatasetProperties.Check(volume, _zfs.Dialect);
        var (staged, discarded) = (_layout.NewIncoming(volume.Id.Key, isEncrypted), _layout.NewTrash(volume.Id.Key, isEncrypted));
        // What takes long, as a filesystem is looked through before it is used, keeps nobody waiting.
        using (await _structure.KeepAsync().ConfigureAwait(false))
            await StageAsync(volume, snapshot, staged, discarded).ConfigureAwait(false);
        using (await _structure.ChangeAsync().ConfigureAwait(false))
        {
            _replaced[discarded] = true;
            try
            {
                await ReplaceAsync(volume, dataset, staged, discarded).ConfigureAwait(false);
            }
            catch
            {
                await _zfs.RenameAsync(staged, _layout.NewTrash(staged)).ConfigureAwait(false);
                throw;
            }
            finally
            {
                _replaced.TryRemove(discarded, out _);
                _rounds.Wake();
            }
            MoveSnapshots(one => one.Dataset == dataset, discarded);
        }
    });

    private async Task StageAsync(Volume volume, Snapshot snapshot, string staged, string discarded)
    {
        var (_, source) = GetSnapshot(snapshot.Id.Key);
        if (volume.IsImage && (volume.FileSystem is not null || volume.Size != snapshot.Size) && await FindOwnKeyAsync(source).ConfigureAwait(false) is { IsAvailable: false })
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Id} is encrypted, and to take its {volume.FileSystem?.Name() ?? "device of another size"} back needs the key, which is loaded only while it, or a copy of it, is attached; make a new volume from the snapshot, with the key");
        }
        (string Name, string Value)[] properties = [.. DatasetProperties.OfCopy(volume, snapshot.Size), .. ZfsRecords.Of(volume), (ZfsRecords.Replaces, _layout.WithoutRoot(discarded))];
        await _zfs.CloneAsync($"{source}@{snapshot.Id.Key}", staged, properties).ConfigureAwait(false);
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

    private async Task ReplaceAsync(Volume volume, string dataset, string staged, string discarded)
    {
        await RenameAwayAsync(volume, dataset, discarded).ConfigureAwait(false);
        try
        {
            await _zfs.RenameAsync(staged, dataset).ConfigureAwait(false);
        }
        catch
        {
            await RenameBackAsync(discarded, dataset).ConfigureAwait(false);
            throw;
        }
    }

    // What a daemon that was killed between the two renames had decided.
    private async Task<ZfsInventory> FinishRestoresAsync(ZfsInventory inventory, CancellationToken cancellationToken)
    {
        var names = inventory.Datasets.Select(one => one.Name).ToHashSet();
        var isChanged = false;
        foreach (var staged in inventory.Datasets.Where(one => _layout.IsIncoming(one.Name)))
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
