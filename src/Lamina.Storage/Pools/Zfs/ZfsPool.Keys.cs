namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Volumes that are encrypted by a key of their own, which comes with the call and is kept nowhere. It is loaded while the volume is attached, and not
/// otherwise. ZFS ties a clone to the key of its source, and lets it be moved only once it has its own: so a copy gets one, which is that of its source,
/// as what either of them lives from may come to lie with the other.
/// </content>
internal sealed partial class ZfsPool
{
    /// <inheritdoc/>
    public Task UnlockAsync(Volume volume, VolumeKey? key) => volume.Parameters.Encryption is null ? Task.CompletedTask : _edge.RunAsync($"unlock volume '{volume.Name}'", async () =>
    {
        var dataset = _layout.VolumeOf(volume.Id.Key);
        var (_, isAvailable) = await _zfs.FindKeyAsync(dataset).ConfigureAwait(false)
            ?? throw new StorageException(StorageError.DataLoss, $"volume {volume.Id} should be encrypted, but its dataset {dataset} is not; nothing was touched");
        if (key is not null)
            await OpenAsync(dataset, isAvailable, key).ConfigureAwait(false);
        else if (!isAvailable)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume.Id} is encrypted, and its key is needed again: give it by the secret '{VolumeKey.SecretName}' when the volume is staged");
    });

    // Given a key, it must be the right one even where nobody needs it just now.
    private Task OpenAsync(string dataset, bool isAvailable, VolumeKey key) => isAvailable ? _zfs.CheckKeyAsync(dataset, key) : _zfs.LoadKeyAsync(dataset, key);

    // That it can't be locked again is no reason to fail: what was asked for is done.
    private async Task LockAsync(string dataset)
    {
        try
        {
            await _zfs.UnloadKeyAsync(dataset).ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            _logger.KeyKept(_settings.Name, dataset, e.Message);
        }
    }

    private async Task CreateEncryptedAsync(Volume volume, string encryption, VolumeKey key)
    {
        await BuildAsync(volume, (name, properties) => _zfs.CreateEncryptedAsync(name, properties, encryption, key)).ConfigureAwait(false);
        await LockAsync(_layout.VolumeOf(volume.Id.Key)).ConfigureAwait(false);
    }

    /// <summary>Makes a volume from a snapshot, encrypted as that is.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="dataset">The dataset that the snapshot lies in.</param>
    /// <param name="name">What it is called there.</param>
    /// <param name="key">The volume's key; null: none is wanted.</param>
    private async Task CloneAsync(Volume volume, string dataset, string name, VolumeKey? key)
    {
        var point = $"{dataset}@{name}";
        var known = _zfs.Dialect.HasEncryption ? await _zfs.FindKeyAsync(dataset).ConfigureAwait(false) : null;
        if (volume.Parameters.Encryption is null || key is null)
        {
            if (known is { Root: var owner } && owner == dataset)
                throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is encrypted, and so is every copy of it: ask for it with the parameter 'encryption', and give the source's key by the secret '{VolumeKey.SecretName}'");
            await BuildAsync(volume, (target, properties) => _zfs.CloneAsync(point, target, properties)).ConfigureAwait(false);
            return;
        }
        if (known is not { } keyed)
            throw new StorageException(StorageError.InvalidArgument, $"the source of volume '{volume.Name}' is not encrypted, and so is no copy of it: leave the parameter 'encryption' out");
        if (keyed.Root == dataset)
            await OpenAsync(dataset, keyed.IsAvailable, key).ConfigureAwait(false);
        try
        {
            await BuildAsync(volume, MakeAsync, isOneStep: false).ConfigureAwait(false);
        }
        finally
        {
            // Somebody may have attached it meanwhile; then it is busy, and stays as it is.
            if (keyed.Root == dataset && !keyed.IsAvailable)
                await LockAsync(dataset).ConfigureAwait(false);
        }
        await LockAsync(_layout.VolumeOf(volume.Id.Key)).ConfigureAwait(false);

        async Task MakeAsync(string target, IEnumerable<(string Name, string Value)> properties)
        {
            await _zfs.CloneAsync(point, target, properties).ConfigureAwait(false);
            await _zfs.OwnKeyAsync(target, key).ConfigureAwait(false);
        }
    }
}
