namespace Lamina.Cluster;

/// <summary>
/// Remembers what was told lately, so that what is repeated is counted and sent at most once a minute. Holds a bounded number: what is forgotten is found again
/// in the cluster, by its name. For one caller at a time.
/// </summary>
internal sealed class ToldEvents(TimeProvider time)
{
    /// <summary>So many are remembered.</summary>
    internal const int Capacity = 1024;

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly Dictionary<EventKey, Told> _told = [];

    /// <summary>How many times a notice has to be counted now that it has come once more; 0: not yet, it goes with a later one.</summary>
    internal int Count(EventKey key)
    {
        if (!_told.TryGetValue(key, out var told))
            return 1;
        told.Held++;
        return time.GetElapsedTime(told.Sent) < Quiet ? 0 : told.Held;
    }

    /// <summary>It was sent.</summary>
    internal void Sent(EventKey key)
    {
        if (_told.Count >= Capacity && !_told.ContainsKey(key))
            _told.Remove(_told.MinBy(told => told.Value.Sent).Key);
        _told[key] = new Told { Sent = time.GetTimestamp() };
    }

    private sealed class Told
    {
        internal required long Sent { get; init; }

        internal int Held { get; set; }
    }
}
