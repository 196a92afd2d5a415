using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Operations;

/// <summary>
/// Runs operations under the locks of the objects that they name. Waiting for a lock ends with the caller's deadline; an operation that has
/// begun does not: it goes on when its caller hangs up, and the retry finds its result.
/// </summary>
public sealed class OperationRunner(KeyedLocks locks, ILogger<OperationRunner> logger)
{
    private readonly ConcurrentDictionary<Task, string> _running = [];

    /// <summary>How many operations are under way.</summary>
    public int Running => _running.Count;

    /// <summary>Runs one operation on a thread of the pool.</summary>
    /// <param name="what">What is done, for messages: <c>create volume 'data'</c>.</param>
    /// <param name="keys">The locks to hold meanwhile.</param>
    /// <param name="operation">The operation; it is not cancelled.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="StorageException"><see cref="StorageError.Aborted"/>: the caller's patience ended first.</exception>
    public async Task<T> RunAsync<T>(string what, IEnumerable<LockKey> keys, Func<Task<T>> operation, CancellationToken cancellationToken)
    {
        IDisposable held;
        try
        {
            held = await locks.AcquireAsync(keys, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new StorageException(StorageError.Aborted, $"can't {what} yet: another operation on the same object is still running; call again");
        }

        var task = Task.Run(
            async () =>
            {
                using (held)
                    return await operation().ConfigureAwait(false);
            },
            CancellationToken.None);
        _running[task] = what;
        _ = task.ContinueWith(done => _running.TryRemove(done, out _), TaskScheduler.Default);
        try
        {
            return await task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!task.IsCompleted)
        {
            ReportLater(what, task);
            throw new StorageException(StorageError.Aborted, $"the caller's time ran out, but it goes on: {what}; call again for the result");
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
