using System.Collections.Concurrent;
using System.Diagnostics;

namespace Lamina.Tests.Crashes;

/// <summary>
/// When the daemon is killed: at a random moment after a call of a wanted kind has begun, within the time that such a call was seen to take. For
/// one life of the daemon.
/// </summary>
/// <param name="wanted">The kind of call that is to be hit.</param>
/// <param name="after">How many calls are to be answered before.</param>
/// <param name="random">Draws the moment.</param>
/// <param name="durations">How long calls took so far, in all lives.</param>
/// <param name="kill">Kills the daemon.</param>
internal sealed class KillPlan(CallKind wanted, int after, Random random, ConcurrentDictionary<CallKind, List<TimeSpan>> durations, Action kill)
{
    // Twice as long as usual now and then: the flush at the end of a call takes its time.
    private const double Reach = 1.5;
    private static readonly TimeSpan FirstGuess = TimeSpan.FromMilliseconds(20);
    private readonly TaskCompletionSource _killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private int _answered;
    private bool _struck;

    /// <summary>The kind of call that is to be hit.</summary>
    internal CallKind Wanted => wanted;

    /// <summary>Whether a call that fails now may have failed because of the kill.</summary>
    internal bool IsKilling { get; private set; }

    /// <summary>Ends when the daemon is dead.</summary>
    internal Task Killed => _killed.Task;

    /// <summary>A call begins.</summary>
    internal void Begin(CallKind kind)
    {
        lock (_gate)
        {
            if (_struck || kind != wanted || _answered < after)
                return;
            _struck = true;
            var delay = Usual(kind) * (Reach * random.NextDouble());
            new Thread(() => Strike(delay)) { IsBackground = true }.Start();
        }
    }

    /// <summary>A call was answered.</summary>
    internal void End(CallKind kind, TimeSpan took)
    {
        lock (_gate)
        {
            _answered++;
            durations.GetOrAdd(kind, _ => []).Add(took);
        }
    }

    private TimeSpan Usual(CallKind kind)
    {
        if (!durations.TryGetValue(kind, out var seen) || seen.Count == 0)
            return FirstGuess;
        var ordered = seen.Order().ToList();
        return ordered[ordered.Count / 2];
    }

    // A timer would be late by more than a short call takes.
    private void Strike(TimeSpan delay)
    {
        var watch = Stopwatch.StartNew();
        if (delay > TimeSpan.FromMilliseconds(3))
            Thread.Sleep(delay - TimeSpan.FromMilliseconds(2));
        while (watch.Elapsed < delay)
            Thread.Yield();
        IsKilling = true;
        try
        {
            kill();
            _killed.SetResult();
        }
        catch (Exception e)
        {
            _killed.SetException(e);
        }
    }
}
