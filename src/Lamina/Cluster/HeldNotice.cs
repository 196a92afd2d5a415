namespace Lamina.Cluster;

/// <summary>A notice that is to be sent, now or later, with those of its kind that have come meanwhile.</summary>
/// <param name="key">What makes others the same.</param>
/// <param name="notice">The last of them.</param>
/// <param name="backoff">How long it waits after it could not be sent.</param>
internal sealed class HeldNotice(EventKey key, Notice notice, Backoff backoff)
{
    internal EventKey Key { get; } = key;

    internal Notice Notice { get; private set; } = notice;

    /// <summary>How many have come.</summary>
    internal int Count { get; private set; } = 1;

    /// <summary>How often the server has answered that it does not take it now.</summary>
    internal int Refusals { get; set; }

    internal Backoff Backoff { get; } = backoff;

    /// <summary>One more has come, which knows best how things are.</summary>
    internal void Add(Notice notice) => (Notice, Count) = (notice, Count + 1);
}
