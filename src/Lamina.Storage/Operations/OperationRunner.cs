using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Operations;

/// <summary>
/// Runs operations under the locks of the objects that they name. Waiting for a lock ends with the caller's deadline; an operation that has
/// begun does not: it goes on when its caller hangs up, and the retry finds its result.
/// </summary>
/// <param name="locks">The locks.</param>
/// <param name="logger">Where operations are reported that outlive their callers.</param>
/// <param name="time">Tells since when they run; null: the system's clock.</param>
public sealed class OperationRunner(KeyedLocks locks, ILogger<OperationRunner> logger, TimeProvider? time = null)
{
    private readonly ConcurrentDictionary<Task, RunningOperation> _running = [];

    /// <summary>How many operations are under way.</summary>
    public int Running => _running.Count;

    /// <summary>Those that are under way, the oldest first.</summary>
    public IReadOnlyList<RunningOperation> List() => [.. _running.Values.OrderBy(operation => operation.Since)];

    /// <summary>The operations under way that hold one of these locks, the oldest first.</summary>
    public IReadOnlyList<RunningOperation> Find(params IReadOnlyCollection<LockKey> keys) =>
        [.. _running.Values.Where(operation => operation.Keys.Any(keys.Contains)).OrderBy(operation => operation.Since)];

    /// <summary>Runs one operation on a thread of the pool.</summary>
    /// <param name="what">What is done, for messages: <c>create volume 'data'</c>.</param>
    /// <param name="keys">The locks to hold meanwhile.</param>
    /// <param name="operation">The operation; it is not cancelled.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="StorageException"><see cref="StorageError.Aborted"/>: the caller's patience ended first.</exception>
    public async Task<T> RunAsync<T>(string what, IEnumerable<LockKey> keys, Func<Task<T>> operation, CancellationToken cancellationToken)
    {
        ImmutableArray<LockKey> all = [.. keys];
        IDisposable held;
        try
        {
            using var waiting = StorageTrace.Source.StartActivity("wait_for_locks");
            held = await locks.AcquireAsync(all, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            var other = Find(all) is [var first, ..] ? $" ({first})" : "";
            throw new StorageException(StorageError.Aborted, $"can't {what} yet: another operation on the same object is still running{other}; call again");
        }

        var running = new RunningOperation(what, all, (time ?? TimeProvider.System).GetUtcNow());
        var task = Task.Run(
            async () =>
            {
                running.Enter();
                using (held)
                    return await operation().ConfigureAwait(false);
            },
            CancellationToken.None);
        _running[task] = running;
        _ = task.ContinueWith(done => _running.TryRemove(done, out _), TaskScheduler.Default);
        try
        {
            return await task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!task.IsCompleted)
        {
            ReportLater(what, task);
            throw new StorageException(StorageError.Aborted, $"the caller's time ran out, but it goes on: {running}; call again for the result");
        }
    }

    /// <summary>As the other, for an operation without a result.</summary>
    public Task RunAsync(string what, IEnumerable<LockKey> keys, Func<Task> operation, CancellationToken cancellationToken) =>
        RunAsync<bool>(
            what,
            keys,
            async () =>
            {
                await operation().ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    /// <summary>Waits until nothing is running any more, at a graceful stop.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (_running.Keys.ToArray() is { Length: > 0 } tasks)
            await Task.WhenAll(tasks).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private void ReportLater(string what, Task task) => _ = task.ContinueWith(
        done =>
        {
            if (done.Exception?.GetBaseException() is { } error)
                logger.LeftOperationFailed(what, error);
            else
                logger.LeftOperationFinished(what);
        },
        TaskScheduler.Default);
}
