using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>Counts the flushes of one piece of work, wherever its threads are, and nobody else's.</summary>
public static class FlushCounter
{
    // Flows to whatever the work awaits, and not to what has run behind the scenes since before.
    private static readonly AsyncLocal<ConcurrentQueue<string>?> s_current = new();

    /// <summary>Does the work, and answers its flushes in their order: <c>fsync</c>, <c>syncfs</c>, <c>commit</c>.</summary>
    public static async Task<IReadOnlyList<string>> CountAsync(Func<Task> work)
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Flushes.MeterName && instrument.Name == Flushes.CounterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => s_current.Value?.Enqueue((string)tags[0].Value!));
        listener.Start();
        var requests = new ConcurrentQueue<string>();
        s_current.Value = requests;
        await work();
        return [.. requests];
    }
}
