using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using Lamina.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// What layers take on the disk, measured by walking their trees one after another in the background, never faster than a small share of one
/// processor. A sealed layer is measured once; a head at its attach, at its detach, and at every interval in between.
/// </summary>
internal sealed class LayerUsage(LayerStore layers, TimeSpan interval, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>After this many entries the walk rests.</summary>
    private const int EntriesPerBurst = 2000;

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<LayerId, LayerMeasure> _measures = [];
    private readonly ConcurrentDictionary<LayerId, bool> _attached = [];
    private readonly Channel<LayerId> _queue = Channel.CreateUnbounded<LayerId>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Begins, with all layers of a pool.</summary>
    internal void Start(IEnumerable<(LayerId Head, ImmutableArray<LayerId> Chain)> volumes)
    {
        foreach (var layer in volumes.SelectMany(volume => volume.Chain.Add(volume.Head)).Distinct())
            _queue.Writer.TryWrite(layer);
        _running = Task.WhenAll(Task.Run(MeasureAsync), Task.Run(RepeatAsync));
    }

    /// <summary>Measures the layers that were not measured yet.</summary>
    internal void Measure(IEnumerable<LayerId> chain)
    {
        foreach (var layer in chain.Where(layer => !_measures.ContainsKey(layer)))
            _queue.Writer.TryWrite(layer);
    }

    /// <summary>A head is written to from now on.</summary>
    internal void Attached(LayerId head)
    {
        _attached[head] = true;
        _queue.Writer.TryWrite(head);
    }

    /// <summary>A head is looked at closely just now, so it is worth to measure it before its turn.</summary>
    internal void Refresh(LayerId head) => _queue.Writer.TryWrite(head);

    /// <summary>A head is not written to any more.</summary>
    internal void Detached(LayerId head)
    {
        _attached.TryRemove(head, out _);
        _queue.Writer.TryWrite(head);
    }

    /// <summary>A layer is gone.</summary>
    internal void Forget(LayerId layer)
    {
        _attached.TryRemove(layer, out _);
        _measures.TryRemove(layer, out _);
    }

    /// <summary>What layers take together; null while one of them was not measured yet.</summary>
    internal LayerMeasure? Sum(IEnumerable<LayerId> chain)
    {
        var sum = new LayerMeasure(0, 0, DateTimeOffset.MaxValue);
        foreach (var layer in chain)
        {
            if (!_measures.TryGetValue(layer, out var one))
                return null;
            sum = new LayerMeasure(sum.Bytes + one.Bytes, sum.Inodes + one.Inodes, one.At < sum.At ? one.At : sum.At);
        }
        return sum;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task MeasureAsync()
    {
        try
        {
            await foreach (var layer in _queue.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (!layers.References.Contains(layer))
                {
                    Forget(layer);
                    continue;
                }
                try
                {
                    var at = time.GetUtcNow();
                    using var diff = layers.OpenDiff(layer);
                    var (bytes, inodes) = await WalkAsync(diff).ConfigureAwait(false);
                    _measures[layer] = new LayerMeasure(bytes, inodes, at);
                }
                catch (LinuxException e)
                {
                    // Deleted meanwhile, as a rule. The usage stays what it was, with its age.
                    logger.LayerNotMeasured(layer.ToString(), e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }

    private async Task RepeatAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(interval, time);
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                foreach (var head in _attached.Keys)
                    _queue.Writer.TryWrite(head);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }

    private async Task<(long Bytes, long Inodes)> WalkAsync(SafeFileHandle root)
    {
        long bytes = 0, inodes = 0;
        var linked = new HashSet<ulong>();
        var waiting = new Stack<string>(["."]);
        while (waiting.TryPop(out var path))
        {
            using var directory = Files.OpenResolved(root, path, OpenFlags.Directory, ResolveFlags.Beneath | ResolveFlags.NoSymlinks);
            foreach (var entry in Files.List(directory))
            {
                if (Files.TryStatAt(directory, entry.Name) is not { } status || LayerTree.IsWhiteout(status))
                    continue;
                if (++inodes % EntriesPerBurst == 0)
                    await Task.Delay(Rest, time, _stopping.Token).ConfigureAwait(false);
                // A file with several names is counted once.
                if (status.Kind == FileKind.Directory)
                    waiting.Push($"{path}/{entry.Name}");
                else if (status.Links == 1 || linked.Add(status.Inode))
                    bytes += status.Blocks * 512;
            }
        }
        return (bytes, inodes);
    }
}
