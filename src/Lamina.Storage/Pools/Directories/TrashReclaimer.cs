using Lamina.Linux;
using Lamina.Storage.Operations;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>Empties a pool's trash behind the scenes. What can't be removed now is tried again later, and never forced.</summary>
/// <param name="pool">The pool.</param>
/// <param name="name">Its name, for messages.</param>
/// <param name="remove">How the backend removes one entry of the trash; throws for what it can't.</param>
/// <param name="time">The clock of the retries.</param>
/// <param name="logger">Where what stays is reported.</param>
/// <param name="endRound">What the backend does once for all entries that it was asked about, told whether some are pending; null: nothing.</param>
internal sealed class TrashReclaimer(
    PoolDirectory pool,
    PoolName name,
    Func<SafeFileHandle, string, CancellationToken, Task<TrashOutcome>> remove,
    TimeProvider time,
    ILogger logger,
    Func<bool, Task>? endRound = null) : IAsyncDisposable
{
    // For messages about the trash as a whole.
    private const string Everything = "everything";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);
    private readonly Dictionary<string, string> _reported = [];
    private BackgroundRounds? _rounds;

    /// <summary>Begins, with what is in the trash already.</summary>
    internal void Start()
    {
        _rounds = new BackgroundRounds(EmptyAsync, time);
        _rounds.Start();
    }

    /// <summary>There is something in the trash.</summary>
    internal void Wake() => _rounds?.Wake();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _rounds?.DisposeAsync() ?? ValueTask.CompletedTask;

    // How long what is left must wait; null when nothing is left. Whatever goes wrong is tried again: space must come back some day.
    private async Task<TimeSpan?> EmptyAsync(CancellationToken stopping)
    {
        try
        {
            var wait = await RunRoundAsync(stopping).ConfigureAwait(false);
            _reported.Remove(Everything);
            return wait;
        }
        catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            Report(Everything, e.Message);
            return RetryAfter;
        }
    }

    private async Task<TimeSpan?> RunRoundAsync(CancellationToken stopping)
    {
        var entries = Files.List(pool.Trash);
        if (entries.Count == 0)
            return null;
        using var scope = CallScope.BeginOwn(logger, "empty_trash");
        var (removed, isPending, isLeft, started) = (0, false, false, time.GetTimestamp());
        var mounts = ListMounts();
        foreach (var entry in entries)
        {
            stopping.ThrowIfCancellationRequested();
            switch (await TryRemoveAsync(entry.Name, mounts, stopping).ConfigureAwait(false))
            {
                case TrashOutcome.Removed:
                    removed++;
                    _reported.Remove(entry.Name);
                    break;
                case TrashOutcome.Pending:
                    isPending = true;
                    break;
                default:
                    isLeft = true;
                    break;
            }
        }
        if (endRound is not null)
            await endRound(isPending).ConfigureAwait(false);
        scope.End("OK");
        if (removed > 0)
            logger.TrashEmptied(name, removed, entries.Count - removed, time.GetElapsedTime(started));
        return isPending ? LookAgainAfter : isLeft ? RetryAfter : null;
    }

    private async Task<TrashOutcome> TryRemoveAsync(string entry, IReadOnlyList<string> mounts, CancellationToken stopping)
    {
        var outcome = TrashOutcome.InUse;
        try
        {
            if (mounts.FirstOrDefault(mount => mount == entry || mount.StartsWith(entry + "/", StringComparison.Ordinal)) is { } mount)
            {
                Report(entry, $"something is mounted at {mount} in the trash; unmount it");
                return outcome;
            }
            outcome = await remove(pool.Trash, entry, stopping).ConfigureAwait(false);
            if (outcome == TrashOutcome.InUse)
                Report(entry, "it is still mounted somewhere");
        }
        catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            Report(entry, e.Message);
        }
        return outcome;
    }

    // What is mounted in the trash, by paths from there. Removal stops at a mount too, but only when it comes to it.
    private IReadOnlyList<string> ListMounts()
    {
        var trash = Files.CurrentPath(pool.Trash);
        return [.. MountTable.Read().Beneath(trash).Where(mount => mount.MountPoint.Length > trash.Length).Select(mount => mount.MountPoint[(trash.Length + 1)..])];
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
