using System.Collections.Concurrent;
using System.Threading.Channels;
using Lamina.Linux;
using Lamina.Storage.Operations;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// What layers take on the disk, measured by walking their trees one after another in the background, with a rest after so many entries, whichever
/// layers they are in. A sealed layer is measured once, and that is remembered beside it; a head at its attach, at its detach, and at every
/// interval in between.
/// </summary>
internal sealed class LayerUsage(LayerStore layers, TimeSpan interval, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>After this many entries of all layers together the walk rests.</summary>
    private const int EntriesPerBurst = 2000;

    /// <summary>What it costs to open a layer, in entries.</summary>
    private const int EntriesPerLayer = 10;

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);
    private readonly LayerMeasures _remembered = new(layers);
    private readonly ConcurrentDictionary<LayerId, bool> _sealed = [];
    private readonly ConcurrentDictionary<LayerId, LayerMeasure> _measures = [];
    private readonly ConcurrentDictionary<LayerId, LayerMeasure> _discarded = [];
    private readonly ConcurrentDictionary<LayerId, bool> _attached = [];
    private readonly Channel<Wanted> _queue = Channel.CreateUnbounded<Wanted>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private int _entries;

    /// <summary>Begins, with all layers of a pool.</summary>
    internal void Start(IEnumerable<LayerId> heads, IEnumerable<LayerId> sealedLayers)
    {
        foreach (var layer in sealedLayers.Where(layer => _sealed.TryAdd(layer, true)))
            _queue.Writer.TryWrite(new Wanted(layer, Sort.Remembered));
        foreach (var head in heads)
            _queue.Writer.TryWrite(new Wanted(head, Sort.Head));
        _running = Task.WhenAll(Background.Run(RunAsync), Background.Run(RepeatAsync));
    }

    /// <summary>Measures the heads that were not measured yet.</summary>
    internal void Measure(IEnumerable<LayerId> heads)
    {
        foreach (var head in heads.Where(head => !_measures.ContainsKey(head)))
            _queue.Writer.TryWrite(new Wanted(head, Sort.Head));
    }

    /// <summary>Layers are sealed from now on, by a record that is durable: those that are so anew are measured for the last time.</summary>
    internal void Sealed(IEnumerable<LayerId> chain)
    {
        foreach (var layer in chain.Where(layer => _sealed.TryAdd(layer, true)))
            _queue.Writer.TryWrite(new Wanted(layer, Sort.Sealed));
    }

    /// <summary>A head is written to from now on.</summary>
    internal void Attached(LayerId head)
    {
        _attached[head] = true;
        _queue.Writer.TryWrite(new Wanted(head, Sort.Head));
    }

    /// <summary>A head is looked at closely just now, so it is worth to measure it before its turn.</summary>
    internal void Refresh(LayerId head) => _queue.Writer.TryWrite(new Wanted(head, Sort.Head));

    /// <summary>A head is not written to any more.</summary>
    internal void Detached(LayerId head)
    {
        _attached.TryRemove(head, out _);
        _queue.Writer.TryWrite(new Wanted(head, Sort.Head));
    }

    /// <summary>A layer is nobody's any more, and goes to the trash. What it takes is remembered for as long as it lies there.</summary>
    internal void Discard(LayerId layer)
    {
        if (_measures.TryGetValue(layer, out var measure))
            _discarded[layer] = measure;
        Forget(layer);
    }

    /// <summary>A layer is gone from the trash too.</summary>
    internal void Reclaimed(LayerId layer) => _discarded.TryRemove(layer, out _);

    /// <summary>What a layer in the trash takes; null when it was not measured since the daemon began, and is not remembered beside it.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="directory">Where it lies now.</param>
    internal LayerMeasure? OfDiscarded(LayerId layer, SafeFileHandle directory) => _discarded.GetValueOrDefault(layer) ?? LayerMeasures.TryRead(directory);

    /// <summary>What a layer takes; null when it was not measured yet.</summary>
    internal LayerMeasure? Find(LayerId layer) => _measures.GetValueOrDefault(layer);

    private void Forget(LayerId layer)
    {
        _attached.TryRemove(layer, out _);
        _measures.TryRemove(layer, out _);
        _sealed.TryRemove(layer, out _);
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

    private async Task RunAsync()
    {
        try
        {
            await foreach (var wanted in _queue.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                try
                {
                    if (layers.References.Contains(wanted.Layer))
                        await MeasureAsync(wanted).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException || !_stopping.IsCancellationRequested)
                {
                    // Deleted meanwhile, as a rule. The usage stays what it was, with its age.
                    logger.LayerNotMeasured(wanted.Layer.ToString(), e.Message);
                }

                // Looked at afterwards: it may have gone while it was walked.
                if (!layers.References.Contains(wanted.Layer))
                    Forget(wanted.Layer);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }

    private async Task MeasureAsync(Wanted wanted)
    {
        await PaceAsync(EntriesPerLayer).ConfigureAwait(false);
        var layer = wanted.Layer;
        if (wanted.Sort == Sort.Head && _sealed.ContainsKey(layer))
            return;
        if (wanted.Sort == Sort.Remembered && _remembered.TryRead(layer) is { } known)
        {
            _measures[layer] = known;
            return;
        }
        var at = time.GetUtcNow();
        if (wanted.Sort == Sort.Head)
            _remembered.Remove(layer);
        using var diff = layers.OpenDiff(layer);
        var (bytes, inodes) = await WalkAsync(diff).ConfigureAwait(false);
        var measure = _measures[layer] = new LayerMeasure(bytes, inodes, at);
        if (wanted.Sort != Sort.Head)
            _remembered.Write(layer, measure);
    }

    // One budget for all layers: many small ones would never rest otherwise.
    private async Task PaceAsync(int entries)
    {
        if ((_entries += entries) < EntriesPerBurst)
            return;
        _entries = 0;
        await Task.Delay(Rest, time, _stopping.Token).ConfigureAwait(false);
    }

    private async Task RepeatAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(interval, time);
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                foreach (var head in _attached.Keys)
                    _queue.Writer.TryWrite(new Wanted(head, Sort.Head));
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
                inodes++;
                await PaceAsync(1).ConfigureAwait(false);
                // A file with several names is counted once.
                if (status.Kind == FileKind.Directory)
                    waiting.Push($"{path}/{entry.Name}");
                else if (status.Links == 1 || linked.Add(status.Inode))
                    bytes += status.Blocks * 512;
            }
        }
        return (bytes, inodes);
    }

    private enum Sort
    {
        /// <summary>It is written to, or was until now.</summary>
        Head,

        /// <summary>Just sealed: what was measured before is not the last word.</summary>
        Sealed,

        /// <summary>Sealed since before this start.</summary>
        Remembered,
    }

    private readonly record struct Wanted(LayerId Layer, Sort Sort);
}
