using System.Security.Cryptography;

namespace Lamina.Cluster;

/// <summary>
/// How long to wait before something is tried again: each time twice as long, to a minute, and with chance in it, so that all nodes of a cluster
/// do not come back to its API server at one moment.
/// </summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Last = TimeSpan.FromMinutes(1);
    private TimeSpan _next = First;

    /// <summary>It worked: the next time begins short again.</summary>
    internal void Reset() => _next = First;

    /// <summary>The next wait: between half of the time that it has come to and the whole.</summary>
    /// <param name="atLeast">What the server asks for; null: nothing.</param>
    internal TimeSpan Next(TimeSpan? atLeast = null)
    {
        var wait = _next / 2 + _next / 2 * (RandomNumberGenerator.GetInt32(1000) / 1000.0);
        _next = _next * 2 < Last ? _next * 2 : Last;
        return atLeast is { } least && least > wait ? (least < Last ? least : Last) : wait;
    }

    /// <summary>Waits.</summary>
    internal Task WaitAsync(TimeSpan? atLeast, CancellationToken cancellationToken) => Task.Delay(Next(atLeast), time, cancellationToken);
}
