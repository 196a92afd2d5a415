using System.Collections.Concurrent;
using System.Threading.Channels;
using Lamina.Storage.Operations;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>Merges the layers of deep volumes behind the scenes, one volume at a time, and knows which volumes must be left alone.</summary>
/// <param name="merge">Merges one volume's chain.</param>
/// <param name="logger">Where failures are reported.</param>
internal sealed class ChainMerger(Func<ObjectKey, CancellationToken, Task> merge, ILogger logger) : IAsyncDisposable
{
    /// <summary>A chain with more sealed layers than this is merged when its volume is made or detached.</summary>
    internal const int MergeAbove = 32;

    private readonly Channel<ObjectKey> _queue = Channel.CreateUnbounded<ObjectKey>();
    private readonly ConcurrentDictionary<ObjectKey, bool> _attached = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    internal void Start() => _running = Background.Run(RunAsync);

    /// <summary>A mount of the volume is about to be made.</summary>
    internal void Attached(ObjectKey volume) => _attached[volume] = true;

    /// <summary>The volume's mount is gone.</summary>
    internal void Detached(ObjectKey volume) => _attached.TryRemove(volume, out _);

    /// <summary>Whether a mount of the volume was handed out and not taken back.</summary>
    internal bool IsAttached(ObjectKey volume) => _attached.ContainsKey(volume);

    /// <summary>Merges the volume's layers when its turn comes.</summary>
    internal void Enqueue(ObjectKey volume) => _queue.Writer.TryWrite(volume);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var volume in _queue.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                using var scope = CallScope.BeginOwn(logger, "merge_layers");
                try
                {
                    await merge(volume, _stopping.Token).ConfigureAwait(false);
                    scope.End("OK");
                }
                catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
                {
                    // Whatever it was, the other volumes are to be merged all the same.
                    scope.End((e as StorageException)?.Error.ToString() ?? e.GetType().Name);
                    logger.MergeFailed(volume, e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The pool is let go of; a half-built layer is swept by the next load.
        }
    }
}
