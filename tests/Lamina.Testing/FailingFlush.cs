using System.Diagnostics.Metrics;
using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>Has flushes of one piece of work fail, wherever its threads are, and nobody else's: as on a disk that takes no more.</summary>
public static class FailingFlush
{
    private static readonly AsyncLocal<Counting?> s_current = new();

    /// <summary>Does the work with one of its flushes failing, or with all from there on.</summary>
    /// <param name="first">Which one, from 0.</param>
    /// <param name="count">How many.</param>
    /// <param name="work">The work.</param>
    /// <returns>How many flushes there were.</returns>
    public static async Task<int> InAsync(int first, int count, Func<Task> work)
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Flushes.MeterName && instrument.Name == Flushes.CounterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (s_current.Value is { } current && Interlocked.Increment(ref current.Done) - 1 is var number && number >= first && number - first < count)
                throw new LinuxException((string)tags[0].Value!, Errno.EIO);
        });
        listener.Start();
        var counting = new Counting();
        s_current.Value = counting;
        await work();
        return counting.Done;
    }

    private sealed class Counting
    {
        internal int Done;
    }
}
