using Grpc.Core;

namespace Lamina.Csi;

/// <summary>
/// How long a call may wait: until shortly before its deadline, so that the caller still hears that it is ABORTED because another operation is
/// running, and not only that its time ran out.
/// </summary>
internal sealed class CallPatience : IDisposable
{
    private static readonly object Key = new();
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _linked;

    /// <summary>Begins a call.</summary>
    internal CallPatience(ServerCallContext context, TimeProvider time)
    {
        _deadline = context.Deadline == DateTime.MaxValue
            ? new CancellationTokenSource()
            : new CancellationTokenSource(Until(context.Deadline - time.GetUtcNow().UtcDateTime), time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, _deadline.Token);
        context.UserState[Key] = _linked.Token;
    }

    /// <summary>What ends the waiting of this call.</summary>
    internal static CancellationToken Of(ServerCallContext context) =>
        context.UserState.TryGetValue(Key, out var token) ? (CancellationToken)token : context.CancellationToken;

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _deadline.Dispose();
    }

    private static TimeSpan Until(TimeSpan left)
    {
        var margin = left / 10 < LongestMargin ? left / 10 : LongestMargin;
        var patience = left - margin;
        // A timer takes at most about 49 days; who waits longer than a day waits for good.
        return patience < TimeSpan.Zero ? TimeSpan.Zero : patience < TimeSpan.FromDays(1) ? patience : Timeout.InfiniteTimeSpan;
    }
}
