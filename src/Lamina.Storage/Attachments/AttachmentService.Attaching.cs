namespace Lamina.Storage.Attachments;

/// <content>Holders come and go: the first one attaches the volume, the last one detaches it.</content>
public sealed partial class AttachmentService
{
    /// <summary>Attaches a volume for a holder. The same call again is fine.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="arguments">What the same call must repeat.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <param name="key">What opens a volume that is encrypted by a key of its own; kept nowhere.</param>
    /// <returns>Where the volume is mounted.</returns>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>; <see cref="StorageError.AlreadyExists"/>: that holder has it with other arguments, or its path has
    /// another volume; <see cref="StorageError.FailedPrecondition"/>: it is still in use where this host can't see it.
    /// </exception>
    public Task<string> AttachAsync(VolumeId volume, HolderIdentity holder, string arguments, CancellationToken cancellationToken, VolumeKey? key = null) =>
        _operations.RunAsync($"attach volume {volume}", KeysOf(volume, holder), () => AttachLockedAsync(volume, holder, arguments, key), cancellationToken);

    /// <summary>Ends a holder; the last one unmounts the volume. A holder that is gone already is fine.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: publications or open files still need it.</exception>
    public Task DetachAsync(VolumeId volume, HolderIdentity holder, CancellationToken cancellationToken) =>
        _operations.RunAsync($"detach volume {volume}", KeysOf(volume, holder), () => DetachLockedAsync(volume, holder), cancellationToken);

    private async Task<string> AttachLockedAsync(VolumeId id, HolderIdentity identity, string arguments, VolumeKey? key, ContainerEngine? engine = null)
    {
        var volume = Get(id);
        var existing = _holders.Find(id, identity);
        var holder = existing ?? NewHolder(id, identity) with { Arguments = arguments, Engine = engine };
        if (existing is not null)
        {
            // The arguments are not quoted: mount flags are a part of them, and refusals of this kind are logged.
            if (existing.Arguments != arguments)
                throw new StorageException(StorageError.AlreadyExists, $"{identity} has volume {id} already, with other arguments; end that use of it first");
        }
        else
        {
            CheckPathIsFree(id, identity);
            _holders.Put(holder);
        }

        try
        {
            await MountAsync(volume, key).ConfigureAwait(false);
            PrepareDevice(volume, holder);
        }
        catch when (existing is null)
        {
            // The call fails, so its caller does not hold the volume. Who held it before does, and finds it mounted by the next try.
            await LetGoAsync(id, identity).ConfigureAwait(false);
            throw;
        }
        return _mounts.PathOf(id);
    }

    private async Task DetachLockedAsync(VolumeId id, HolderIdentity identity)
    {
        if (_holders.Find(id, identity) is not { } holder)
            return;
        var others = HoldersOf(id).Remove(holder);
        if (others.Find(other => other.Kind == HolderKind.Publication && other.Door == identity.Door) is { } publication && others.All(other => other.Kind == HolderKind.Publication))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {id} is still published at {publication.Reference}; unpublish it first");
        if (others.IsEmpty)
            await UnmountAsync(id).ConfigureAwait(false);
        _holders.Remove(holder);
    }
}
