namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Volumes that are encrypted by a key of their own, which comes with the call and is kept nowhere. It is loaded while the volume is attached, and not
/// otherwise. ZFS ties a clone to the key of its source for ever: all copies have one key, which one of them holds for all. When that is promoted past, ZFS
/// hands the key on. Only to read or write files it must be loaded: not to cut, copy, roll back, rename, promote or destroy.
/// </content>
internal sealed partial class ZfsPool
{
    /// <inheritdoc/>
    public Task UnlockAsync(Volume volume, VolumeKey? key) => volume.Parameters.Encryption is null ? Task.CompletedTask : _edge.RunAsync($"unlock volume '{volume.Name}'", async () =>
    {
        var dataset = _layout.VolumeOf(volume.Id.Key);
        using var kept = await _structure.KeepAsync().ConfigureAwait(false);
        var (owner, isAvailable) = await _zfs.FindKeyAsync(dataset).ConfigureAwait(false)
            ?? throw new StorageException(StorageError.DataLoss, $"volume {volume.Id} should be encrypted, but its dataset {dataset} is not; nothing was touched");
        if (key is not null)
            await OpenAsync(owner, isAvailable, key).ConfigureAwait(false);
        else if (!isAvailable)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume.Id} is encrypted, and its key is needed again: give it by the secret '{VolumeKey.SecretName}' when the volume is staged");
    });

    // Given a key, it must be the right one even where nobody needs it just now.
    private Task OpenAsync(string owner, bool isAvailable, VolumeKey key) => isAvailable ? _zfs.CheckKeyAsync(owner, key) : _zfs.LoadKeyAsync(owner, key);

    // That it can't be locked again is no reason to fail: what was asked for is done. It is busy as long as another that has the same key is attached.
    // Who calls it keeps the structure as it is, as a promotion hands keys on.
    private async Task LockAsync(string dataset)
    {
        try
        {
            if (await _zfs.FindKeyAsync(dataset).ConfigureAwait(false) is { IsAvailable: true, Root: var owner })
                await _zfs.UnloadKeyAsync(owner).ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            _logger.KeyKept(_settings.Name, dataset, e.Message);
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
    private async Task CloneAsync(Volume volume, string dataset, string name, ByteSize? size, VolumeKey? key)
    {
        var point = $"{dataset}@{name}";
        await CheckBlocksAsync(volume, dataset).ConfigureAwait(false);
        if (await FindOwnKeyAsync(dataset).ConfigureAwait(false) is not { } keyed)
        {
            if (volume.Parameters.Encryption is not null)
                throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is not encrypted, and so is no copy of it: leave the parameter 'encryption' out");
            await BuildCopyAsync(volume, point, size).ConfigureAwait(false);
            return;
        }
        if (volume.Parameters.Encryption is null || key is null)
            throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is encrypted, and so is every copy of it: ask for it with the parameter 'encryption', and give the source's key by the secret '{VolumeKey.SecretName}'");
        // Who has no key gets no copy, though ZFS would need none, unless files are to be written to, or a device.
        await (!volume.IsImage && volume.Parameters is { Uid: null, Gid: null, Mode: null } ? _zfs.CheckKeyAsync(keyed.Root, key) : OpenAsync(keyed.Root, keyed.IsAvailable, key)).ConfigureAwait(false);
        try
        {
            await BuildCopyAsync(volume, point, size).ConfigureAwait(false);
        }
        finally
        {
            // Somebody may have attached one of them meanwhile; then it is busy, and stays as it is.
            if (!keyed.IsAvailable)
                await LockAsync(dataset).ConfigureAwait(false);
        }
    }

    private Task BuildCopyAsync(Volume volume, string point, ByteSize? size) =>
        BuildAsync(volume, DatasetProperties.OfCopy(volume, size), isCopy: true, (target, properties) => _zfs.CloneAsync(point, target, properties));
}
