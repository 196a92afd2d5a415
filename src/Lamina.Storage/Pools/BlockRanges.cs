using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>
/// Ranges of a raw device's snapshot, found as they are asked for: ascending, none of them empty, and none touching the next. The snapshots may be
/// deleted while it is open; it ends as if they were there.
/// </summary>
public sealed class BlockRanges : IDisposable
{
    /// <summary>The unit in which content is compared and streams are resumed, in bytes.</summary>
    internal const int Block = 4096;

    // Whoever asks for many at once must not take all disks and a thread each: the others wait for their turn, which is given back with every answer,
    // so that a caller who reads slowly keeps nobody waiting.
    private static readonly SemaphoreSlim s_turns = new(4);

    private readonly IEnumerator<Extent> _ranges;
    private readonly CancellationToken _cancellationToken;
    private readonly Func<Func<IReadOnlyList<Extent>>, IReadOnlyList<Extent>> _edge;
    private readonly IReadOnlyList<IDisposable> _files;
    private Extent? _pending;

    /// <param name="ranges">The ranges, ascending; those that touch are joined here.</param>
    /// <param name="edge">Runs what reads them, and translates its errors.</param>
    /// <param name="files">What is closed in the end.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal BlockRanges(
        IEnumerable<Extent> ranges, Func<Func<IReadOnlyList<Extent>>, IReadOnlyList<Extent>> edge, IReadOnlyList<IDisposable> files, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        _ranges = ranges.GetEnumerator();
        _edge = edge;
        _files = files;
    }

    /// <summary>The next ranges; fewer than were asked for when these are the last ones.</summary>
    /// <param name="count">How many at most.</param>
    /// <exception cref="StorageException">The images can't be read.</exception>
    /// <exception cref="OperationCanceledException">The token that it was opened with has ended it.</exception>
    public async Task<IReadOnlyList<Extent>> NextAsync(int count)
    {
        await s_turns.WaitAsync(_cancellationToken).ConfigureAwait(false);
        try
        {
            // A thread of its own: it may wait for disks for long, and the pool's threads have others to serve.
            return await Task.Factory.StartNew(
                () => _edge(() => Next(count)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        finally
        {
            s_turns.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ranges.Dispose();
        foreach (var file in _files)
            file.Dispose();
    }

    private List<Extent> Next(int count)
    {
        List<Extent> found = [];
        while (found.Count < count && _ranges.MoveNext())
        {
            var range = _ranges.Current;
            if (_pending is { } pending && pending.End == range.Offset)
            {
                _pending = new Extent(pending.Offset, range.End - pending.Offset);
                continue;
            }
            if (_pending is { } done)
                found.Add(done);
            _pending = range;
        }
        // There are no more, and what is left is the last one.
        if (found.Count < count && _pending is { } last)
        {
            found.Add(last);
            _pending = null;
        }
        return found;
    }
}
