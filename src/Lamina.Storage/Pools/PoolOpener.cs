using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Bind;
using Lamina.Storage.Pools.Btrfs;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Lamina.Storage.Pools.Images;
using Lamina.Storage.Pools.Overlay;
using Lamina.Storage.Pools.Zfs;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools;

/// <summary>Opens the backend that a pool is configured with. With <see cref="PoolInitializer"/> the one place that knows all backends.</summary>
/// <param name="loggers">Where the pools report.</param>
/// <param name="time">The clock.</param>
/// <param name="pauses">Stops the writers of volumes that are cut while they are in use.</param>
/// <param name="environment">What pools need to know of this host; null: what holds where nothing is configured.</param>
public sealed class PoolOpener(ILoggerFactory loggers, TimeProvider time, WriterPauses pauses, PoolEnvironment? environment = null)
{
    private readonly CutRunner _cuts = new(pauses, time, loggers.CreateLogger<CutRunner>());
    private readonly PoolEnvironment _environment = environment ?? new PoolEnvironment();

    /// <summary>Whether a pool was made in a directory, be it one that can be read or not.</summary>
    public static bool IsMade(string directory) => File.Exists(Path.Combine(directory, PoolDirectory.IdentityFile));

    /// <inheritdoc cref="PoolDirectory.TryReadId"/>
    public static PoolId? TryReadId(string directory) => PoolDirectory.TryReadId(directory);

    /// <summary>Opens a pool: takes its lock and reads who it is, but none of its objects.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't be served, with the reason.</exception>
    public IPool Open(PoolSettings settings) => settings.Backend switch
    {
        PoolBackend.Overlay2 => WithImages(settings, OverlayPool.Open(settings, _cuts, time, loggers.CreateLogger<OverlayPool>()), pool => (pool.Directory, pool.WakeTrash)),
        PoolBackend.Btrfs => WithImages(settings, BtrfsPool.Open(settings, time, loggers.CreateLogger<BtrfsPool>()), pool => (pool.Directory, pool.WakeTrash)),
        // What it asks ZFS is answered at once, or not at all.
        PoolBackend.Zfs => ZfsPool.OpenAsync(settings, _environment.ZfsPrograms, _environment, pauses, time, loggers.CreateLogger<ZfsPool>()).GetAwaiter().GetResult(),
        PoolBackend.Bind => BindPool.Open(
            settings, new BindSources(_environment), time, loggers.CreateLogger<BindPool>()),
        var other => throw new StorageException(StorageError.Unavailable, $"the backend {other} of pool '{settings.Name}' is not in this version"),
    };

    /// <summary>Makes a new pool on the disk.</summary>
    /// <inheritdoc cref="PoolInitializer.InitializeAsync(PoolSettings, ByteSize?, ZfsPrograms, CancellationToken)" path="/param|/exception"/>
    public Task InitializeAsync(PoolSettings settings, ByteSize? imageSize, CancellationToken cancellationToken) =>
        PoolInitializer.InitializeAsync(settings, imageSize, _environment.ZfsPrograms, cancellationToken);

    private ImagePool WithImages<TPool>(PoolSettings settings, TPool pool, Func<TPool, (PoolDirectory Directory, Action WakeTrash)> parts)
        where TPool : IPool
    {
        var (directory, wakeTrash) = parts(pool);
        try
        {
            return new ImagePool(pool, settings, directory, wakeTrash, pauses, _cuts, time, loggers.CreateLogger<ImagePool>());
        }
        catch (LinuxException e)
        {
            // All that it has open, at every retry. Nothing runs in it yet that could be waited for.
            pool.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw new StorageException(StorageError.Unavailable, $"the pool at {settings.Path} can't be opened: {e.Message}", e);
        }
    }
}
