using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Overlay;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools;

/// <summary>Opens the backend that a pool is configured with. The one place that knows all backends.</summary>
public sealed class PoolOpener(ILoggerFactory loggers, TimeProvider time, WriterPauses pauses)
{
    /// <summary>Opens a pool: takes its lock and reads who it is, but none of its objects.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't be served, with the reason.</exception>
    public IPool Open(PoolSettings settings) => settings.Backend switch
    {
        PoolBackend.Overlay2 => OverlayPool.Open(settings, NewCut(), time, loggers.CreateLogger<OverlayPool>()),
        _ => throw new StorageException(StorageError.Unavailable, $"the backend {settings.Backend} of pool '{settings.Name}' is not in this version"),
    };

    private LiveCut NewCut() => new(pauses, time, loggers.CreateLogger<LiveCut>());
}
