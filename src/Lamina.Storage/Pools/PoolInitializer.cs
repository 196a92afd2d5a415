using Lamina.Linux;
using Lamina.Storage.Pools.Bind;
using Lamina.Storage.Pools.Btrfs;
using Lamina.Storage.Pools.Overlay;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Pools;

/// <summary>Makes new pools. Nothing that exists is ever overwritten or formatted.</summary>
public static class PoolInitializer
{
    /// <summary>Makes a pool as it is configured, where nothing is yet.</summary>
    /// <param name="settings">Where, and for which backend.</param>
    /// <param name="imageSize">How large the image is to be, where the pool lies in one.</param>
    /// <param name="cancellationToken">Gives up what takes long; nothing is left then.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: something is there already, or a tool is missing. <see cref="StorageError.InvalidArgument"/>:
    /// the filesystem is not the backend's. <see cref="StorageError.Unavailable"/>: it can't carry the backend, or can't be written.
    /// </exception>
    public static Task InitializeAsync(PoolSettings settings, ByteSize? imageSize, CancellationToken cancellationToken) =>
        InitializeAsync(settings, imageSize, new ZfsPrograms(), cancellationToken);

    /// <inheritdoc cref="InitializeAsync(PoolSettings, ByteSize?, CancellationToken)"/>
    internal static async Task InitializeAsync(PoolSettings settings, ByteSize? imageSize, ZfsPrograms programs, CancellationToken cancellationToken)
    {
        if (settings.Image is null && imageSize is not null)
            throw new StorageException(StorageError.InvalidArgument, "a size is for a pool in an image; name the image file too");
        if (settings is { Image: not null, Backend: not PoolBackend.Btrfs })
            throw new StorageException(StorageError.InvalidArgument, $"only btrfs pools lie in an image; pool '{settings.Name}' is of the backend {settings.Backend}");
        if (settings.Backend == PoolBackend.Zfs)
        {
            await ZfsIdentity.InitializeAsync(settings, programs, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (settings.Image is null)
        {
            Initialize(settings);
            return;
        }
        try
        {
            await BtrfsImage.CreateAsync(settings, imageSize, () => BtrfsPool.Initialize(settings), cancellationToken).ConfigureAwait(false);
        }
        catch (LinuxException e)
        {
            throw Failed(settings, $"in {settings.Image}", e);
        }
    }

    /// <summary>Makes a pool that needs no image, where nothing is yet.</summary>
    /// <exception cref="StorageException">As the other one.</exception>
    public static void Initialize(PoolSettings settings)
    {
        try
        {
            switch (settings.Backend)
            {
                case PoolBackend.Overlay2:
                    OverlayPool.Initialize(settings);
                    break;
                case PoolBackend.Btrfs:
                    BtrfsPool.Initialize(settings);
                    break;
                case PoolBackend.Bind:
                    BindPool.Initialize(settings);
                    break;
                default:
                    throw new StorageException(StorageError.InvalidArgument, $"a pool of the backend {settings.Backend} can't be made here");
            }
        }
        catch (LinuxException e)
        {
            throw Failed(settings, $"at {settings.Path}", e);
        }
    }

    // Here the path is what somebody has just said, and no fault of ours.
    private static StorageException Failed(PoolSettings settings, string where, LinuxException cause) => cause.Errno is Errno.ENOTDIR
        ? new StorageException(StorageError.InvalidArgument, $"can't make pool '{settings.Name}' {where}: something on the way there is not a directory ({cause.Message})", cause)
        : StorageException.From($"make pool '{settings.Name}' {where}", cause);
}
