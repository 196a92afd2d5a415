using Lamina.Storage.Operations;

namespace Lamina.Storage.Pools.Directories;

/// <summary>Work behind the scenes in rounds: whenever somebody wakes it, and again as long as a round says that it wants another one.</summary>
/// <param name="round">One round; answers after which time it wants to be run again without being woken, or null. Throws nothing but for the end.</param>
/// <param name="time">The clock.</param>
internal sealed class BackgroundRounds(Func<CancellationToken, Task<TimeSpan?>> round, TimeProvider time) : IAsyncDisposable
{
    private readonly SemaphoreSlim _wanted = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Begins, with a first round.</summary>
    internal void Start()
    {
        _running = Background.Run(RunAsync);
        Wake();
    }

    /// <summary>There is something to do.</summary>
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
                while (await round(_stopping.Token).ConfigureAwait(false) is { } wait)
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
            // Whoever goes on later begins with what is left.
        }
    }
}
