using Lamina.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>Empties a pool's trash behind the scenes. What can't be removed now is tried again later, and never forced.</summary>
/// <param name="pool">The pool.</param>
/// <param name="name">Its name, for messages.</param>
/// <param name="remove">How the backend removes one entry of the trash; throws for what it can't.</param>
/// <param name="time">The clock of the retries.</param>
/// <param name="logger">Where what stays is reported.</param>
internal sealed class TrashReclaimer(
    PoolDirectory pool, PoolName name, Func<SafeFileHandle, string, CancellationToken, Task<TrashOutcome>> remove, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);
    private readonly SemaphoreSlim _wanted = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, string> _reported = [];
    private Task _running = Task.CompletedTask;

    /// <summary>Begins, with what is in the trash already.</summary>
    internal void Start()
    {
        _running = Task.Run(RunAsync);
        Wake();
    }

    /// <summary>There is something in the trash.</summary>
    internal void Wake()
    {
        if (_wanted.CurrentCount == 0)
            _wanted.Release();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
        _wanted.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _wanted.WaitAsync(_stopping.Token).ConfigureAwait(false);
                while (await EmptyAsync().ConfigureAwait(false) is { } wait)
                {
                    using var retry = new CancellationTokenSource(wait, time);
                    using var either = CancellationTokenSource.CreateLinkedTokenSource(retry.Token, _stopping.Token);
                    await _wanted.WaitAsync(either.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
                    _stopping.Token.ThrowIfCancellationRequested();
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The pool is let go of; what is left in the trash is emptied by the next load.
        }
    }

    // How long what is left must wait; null when nothing is left.
    private async Task<TimeSpan?> EmptyAsync()
    {
        TimeSpan? wait = null;
        IReadOnlyList<DirectoryEntry> entries;
        try
        {
            entries = Files.List(pool.Trash);
        }
        catch (LinuxException e)
        {
            // A disk that fails may come back, and until then the pool says what is wrong with it.
            Report("trash", e.Message);
            return RetryAfter;
        }
        foreach (var entry in entries)
        {
            _stopping.Token.ThrowIfCancellationRequested();
            try
            {
                switch (await remove(pool.Trash, entry.Name, _stopping.Token).ConfigureAwait(false))
                {
                    case TrashOutcome.Removed:
                        _reported.Remove(entry.Name);
                        continue;
                    case TrashOutcome.Pending:
                        wait = LookAgainAfter;
                        continue;
                    default:
                        Report(entry.Name, "it is still mounted somewhere");
                        break;
                }
            }
            catch (Exception e) when (e is LinuxException or StorageException)
            {
                Report(entry.Name, e.Message);
            }
            wait ??= RetryAfter;
        }
        return wait;
    }

    // Said once per reason, not with every retry.
    private void Report(string entry, string reason)
    {
        if (_reported.GetValueOrDefault(entry) == reason)
            return;
        _reported[entry] = reason;
        logger.TrashKept(name, entry, reason);
    }
}
