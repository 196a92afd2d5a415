namespace Lamina.Cluster;

/// <summary>
/// Remembers what was told lately, so that what is repeated is counted and sent again only after a while. Holds a bounded number: what is forgotten is found
/// again in the cluster, by its name. For one caller at a time.
/// </summary>
internal sealed class ToldEvents(TimeSpan quiet, TimeProvider time)
{
    /// <summary>So many are remembered.</summary>
    internal const int Capacity = 1024;

    private readonly Dictionary<EventKey, long> _sent = [];

    /// <summary>How long a notice has to wait, as the last one of its kind was sent just now; zero: not at all.</summary>
    internal TimeSpan WaitOf(EventKey key) =>
        _sent.TryGetValue(key, out var sent) && quiet - time.GetElapsedTime(sent) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>It was sent.</summary>
    internal void Sent(EventKey key)
    {
        if (_sent.Count >= Capacity && !_sent.ContainsKey(key))
            _sent.Remove(_sent.MinBy(told => told.Value).Key);
        _sent[key] = time.GetTimestamp();
    }
}
