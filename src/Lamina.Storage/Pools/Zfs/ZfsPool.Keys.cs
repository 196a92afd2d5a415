using System.Collections.Concurrent;

namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Volumes that are encrypted by a key of their own, which comes with the call and is kept nowhere. It is loaded while the volume is attached, and not
/// otherwise. ZFS ties a clone to the key of its source for ever: all copies have one key, which one of them holds for all. When that is promoted past, ZFS
/// hands the key on. Only to read or write files it must be loaded: not to cut, copy, roll back, rename, promote or destroy.
/// </content>
internal sealed partial class ZfsPool
{
    private const string KeyStays = "its key stays loaded, though nobody that we know of uses it";

    // Encrypted volumes that are attached or are just about to be, with the dataset whose key they need; null: not asked yet. As long as there is one, that key
    // stays loaded, and its owner the same, as a promotion waits for it.
    private readonly ConcurrentDictionary<ObjectKey, string?> _unlocked = [];

    // Until we are told which volumes were found attached after a start, any of them may be. The device of a raw one need not be open: without its key it
    // would go, and the next one would get its number, which whoever has the node would open then.
    private volatile bool _knowsAttached;

    /// <inheritdoc/>
    public Task UnlockAsync(Volume volume, VolumeKey? key) => volume.Parameters.Encryption is null ? Task.CompletedTask : _edge.RunAsync($"unlock volume '{volume.Name}'", async () =>
    {
        var dataset = PlaceOf(volume);
        using var kept = await _structure.KeepAsync().ConfigureAwait(false);
        var (owner, isAvailable) = await _zfs.FindKeyAsync(dataset).ConfigureAwait(false)
            ?? throw new StorageException(StorageError.DataLoss, $"volume {volume.Id} should be encrypted, but its dataset {dataset} is not; nothing was touched");
        if (key is null && !isAvailable)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume.Id} is encrypted, and its key is needed again: give it by the secret '{VolumeKey.SecretName}' when the volume is staged");
        // Told before the key is loaded, so that nobody takes it away again.
        var isNew = _unlocked.TryAdd(volume.Id.Key, owner);
        try
        {
            if (key is not null)
                await OpenAsync(owner, isAvailable, key).ConfigureAwait(false);
        }
        catch
        {
            if (isNew)
                _unlocked.TryRemove(volume.Id.Key, out _);
            throw;
        }
    });

    // Given a key, it must be the right one even where nobody needs it just now.
    private Task OpenAsync(string owner, bool isAvailable, VolumeKey key) => isAvailable ? _zfs.CheckKeyAsync(owner, key) : _zfs.LoadKeyAsync(owner, key);

    // That it can't be locked again is no reason to fail: what was asked for is done, and it is tried again behind the scenes.
    // Who calls it keeps everybody else from unlocking what has the same key.
    private async Task LockAsync(string dataset)
    {
        try
        {
            if (await FindOwnKeyAsync(dataset).ConfigureAwait(false) is not { IsAvailable: true, Root: var owner } || await IsUsedAsync(owner).ConfigureAwait(false))
                return;
            if (_knowsAttached && await FindMountOfDeviceAsync(owner).ConfigureAwait(false) is null)
                await _zfs.UnloadKeyAsync(owner).ConfigureAwait(false);
            else
                _rounds.Wake();
        }
        catch (ZfsFailure e)
        {
            _logger.KeyKept(_settings.Name, dataset, e.Message);
            _rounds.Wake();
        }
    }

    private async Task<bool> IsUsedAsync(string owner)
    {
        foreach (var (key, known) in _unlocked)
        {
            if ((known ?? await FindOwnerAsync(key).ConfigureAwait(false)) == owner)
                return true;
        }
        return false;
    }

    private async Task<string?> FindOwnerAsync(ObjectKey key)
    {
        var owner = await TryFindOwnKeyAsync(_layout.VolumeOf(key)).ConfigureAwait(false) is { Root: var root } ? root : null;
        _unlocked.TryUpdate(key, owner, null);
        return owner;
    }

    // In words: who has the device of something that a key is for, mounted as it is or by the filesystem on it. Null where nobody has that we can see.
    private async Task<string?> FindMountOfDeviceAsync(string owner)
    {
        foreach (var one in HostMounts.List())
        {
            using var device = ZvolDevice.TryFindMounted(one.Mount);
            if (device is not null && device.Name.StartsWith($"{_layout.Root}/", StringComparison.Ordinal)
                && await TryFindOwnKeyAsync(device.Name).ConfigureAwait(false) is { Root: var root } && root == owner)
                return $"{device.Name} is mounted {HostMounts.Describe(one)}";
        }
        return null;
    }

    // Keys that a daemon left which was killed, or was not there when the last one was detached, or that were busy for too long.
    private async Task LockUnusedAsync(ZfsInventory inventory, Dictionary<string, string> kept)
    {
        if (!_knowsAttached)
            return;
        foreach (var owner in inventory.Datasets.Where(one => one.Value("encryptionroot") == one.Name && one.Value("keystatus") == "available" && IsOfOurs(inventory, one)))
        {
            using var changing = await _structure.ChangeAsync().ConfigureAwait(false);
            await TryAsync(owner.Name, kept, () => LockUnusedAsync(inventory, owner.Name, kept)).ConfigureAwait(false);
        }
    }

    private async Task LockUnusedAsync(ZfsInventory inventory, string owner, Dictionary<string, string> kept)
    {
        // Since it was looked at it may be called otherwise: a volume has its key while it is built.
        if (await TryFindOwnKeyAsync(owner).ConfigureAwait(false) is not { IsAvailable: true } || await IsUsedAsync(owner).ConfigureAwait(false))
            return;
        var family = inventory.Datasets.Where(one => one.Value("encryptionroot") == owner).Select(one => one.Name).ToHashSet();
        var use = ZfsMounts.List().Where(one => family.Contains(one.Mount.Source)).Select(one => $"{one.Mount.Source} is mounted {HostMounts.Describe(one)}").FirstOrDefault()
            ?? await FindMountOfDeviceAsync(owner).ConfigureAwait(false);
        if (use is not null)
        {
            kept[owner] = $"{KeyStays}: {use}";
            return;
        }
        try
        {
            await _zfs.UnloadKeyAsync(owner).ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            kept[owner] = $"{KeyStays}: {e.Message}";
        }
    }

    private async Task<(string Root, bool IsAvailable)?> TryFindOwnKeyAsync(string dataset)
    {
        try
        {
            return await FindOwnKeyAsync(dataset).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.Error == StorageError.NotFound)
        {
            return null;
        }
    }

    // What lies in a dataset that the administrator has encrypted, with all that is in it, is nothing of ours.
    private async Task<(string Root, bool IsAvailable)?> FindOwnKeyAsync(string dataset) =>
        _zfs.Dialect.HasEncryption && await _zfs.FindKeyAsync(dataset).ConfigureAwait(false) is { } keyed && keyed.Root.StartsWith($"{_layout.Root}/", StringComparison.Ordinal)
            ? keyed
            : null;

    private async Task CreateEncryptedAsync(Volume volume, string encryption, VolumeKey key)
    {
        await BuildAsync(volume, DatasetProperties.OfNew(volume), isCopy: false, (name, properties) => _zfs.CreateEncryptedAsync(name, DatasetProperties.ShapeOf(volume), properties, encryption, key)).ConfigureAwait(false);
        await LockAsync(_layout.VolumeOf(volume.Id.Key)).ConfigureAwait(false);
    }

    /// <summary>Makes a volume from a snapshot, encrypted as that is.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="dataset">The dataset that the snapshot lies in.</param>
    /// <param name="name">What it is called there.</param>
    /// <param name="size">The size of what it is of.</param>
    /// <param name="key">The volume's key; null: none is wanted.</param>
    /// <param name="kept">Keeps the path of the snapshot as it is.</param>
    private async Task CloneAsync(Volume volume, string dataset, string name, ByteSize? size, VolumeKey? key, IDisposable kept)
    {
        var point = $"{dataset}@{name}";
        await CheckBlocksAsync(volume, dataset).ConfigureAwait(false);
        if (await FindOwnKeyAsync(dataset).ConfigureAwait(false) is not { } keyed)
        {
            if (volume.Parameters.Encryption is not null)
                throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is not encrypted, and so is no copy of it: leave the parameter 'encryption' out");
            await BuildCopyAsync(volume, point, size, kept).ConfigureAwait(false);
            return;
        }
        if (volume.Parameters.Encryption is null || key is null)
            throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is encrypted, and so is every copy of it: ask for it with the parameter 'encryption', and give the source's key by the secret '{VolumeKey.SecretName}'");
        // Who has no key gets no copy, though ZFS would need none, unless files are to be written to, or a device.
        var isOpened = (volume.IsImage || volume.Parameters is not { Uid: null, Gid: null, Mode: null }) && _unlocked.TryAdd(volume.Id.Key, keyed.Root);
        try
        {
            await (isOpened ? OpenAsync(keyed.Root, keyed.IsAvailable, key) : _zfs.CheckKeyAsync(keyed.Root, key)).ConfigureAwait(false);
            await BuildCopyAsync(volume, point, size, kept).ConfigureAwait(false);
        }
        finally
        {
            // It is locked again behind the scenes, where nobody can be about to attach another that has the same key.
            if (isOpened && _unlocked.TryRemove(volume.Id.Key, out _))
                _rounds.Wake();
        }
    }

    private Task BuildCopyAsync(Volume volume, string point, ByteSize? size, IDisposable kept) =>
        BuildAsync(volume, DatasetProperties.OfCopy(volume, size), isCopy: true, async (target, properties) =>
        {
            await _zfs.CloneAsync(point, target, properties).ConfigureAwait(false);
            kept.Dispose();
        });
}
