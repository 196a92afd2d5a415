using Lamina.Storage.Pools.Overlay;

namespace Lamina.Storage.Pools;

/// <summary>Makes new pools. Nothing that exists is ever overwritten or formatted.</summary>
public static class PoolInitializer
{
    /// <summary>Makes a pool as it is configured, where nothing is yet.</summary>
    /// <param name="settings">Where, and for which backend.</param>
    /// <param name="imageSize">How large the image is to be, where the pool lies in one.</param>
    /// <param name="cancellationToken">Gives up what takes long; nothing is left then.</param>
    /// <exception cref="StorageException">Something is there already, or the filesystem can't carry the backend.</exception>
    public static Task InitializeAsync(PoolSettings settings, ByteSize? imageSize, CancellationToken cancellationToken)
    {
        _ = imageSize;
        cancellationToken.ThrowIfCancellationRequested();
        Initialize(settings);
        return Task.CompletedTask;
    }

    /// <summary>Makes a pool that needs no image, where nothing is yet.</summary>
    /// <exception cref="StorageException">Something is there already, or the filesystem can't carry the backend.</exception>
    public static void Initialize(PoolSettings settings)
    {
        switch (settings.Backend)
        {
            case PoolBackend.Overlay2:
                OverlayPool.Initialize(settings);
                break;
            default:
                throw new StorageException(StorageError.InvalidArgument, $"a pool of the backend {settings.Backend} can't be made here");
        }
    }
}
