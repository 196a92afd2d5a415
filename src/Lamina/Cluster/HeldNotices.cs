using System.Diagnostics.CodeAnalysis;

namespace Lamina.Cluster;

/// <summary>Notices that wait until it is their time, of each kind one: a bounded number. For one caller at a time.</summary>
internal sealed class HeldNotices(TimeProvider time)
{
    /// <summary>So many may wait.</summary>
    internal const int Capacity = 256;

    private readonly Dictionary<EventKey, (HeldNotice Held, long Since, TimeSpan Wait)> _held = [];

    /// <summary>How long it takes until the next one is due; null: there is none.</summary>
    internal TimeSpan? NextIn => _held.Count == 0 ? null : _held.Values.Min(Left) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>Counts a notice with one of its kind that waits.</summary>
    /// <returns>False: there is none.</returns>
    internal bool TryAdd(EventKey key, Notice notice)
    {
        if (!_held.TryGetValue(key, out var known))
            return false;
        known.Held.Add(notice);
        return true;
    }

    /// <summary>Has one wait.</summary>
    /// <returns>False: there is no room.</returns>
    internal bool TryHold(HeldNotice held, TimeSpan wait) => _held.Count < Capacity && _held.TryAdd(held.Key, (held, time.GetTimestamp(), wait));

    /// <summary>Takes the one that is due for the longest time.</summary>
    internal bool TryTakeDue([NotNullWhen(true)] out HeldNotice? due)
    {
        due = NextIn == TimeSpan.Zero ? _held.Values.MinBy(Left).Held : null;
        return due is not null && _held.Remove(due.Key);
    }

    private TimeSpan Left((HeldNotice Held, long Since, TimeSpan Wait) one) => one.Wait - time.GetElapsedTime(one.Since);
}
