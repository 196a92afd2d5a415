using System.Collections.Concurrent;

namespace Lamina.Tests.Cluster;

/// <summary>A clock by which nobody waits, and that remembers how long everybody would have.</summary>
internal sealed class HurriedTime : TimeProvider
{
    /// <summary>All that was waited for.</summary>
    internal ConcurrentQueue<TimeSpan> Waits { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Enqueue(dueTime);
        return base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
