using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>Counts flushes of this process.</summary>
public static class FlushCounter
{
    // Flows to whatever the work awaits, and not to what has run behind the scenes since before.
    private static readonly AsyncLocal<ConcurrentQueue<string>?> s_current = new();

    /// <summary>Does the work, and answers its flushes in their order, wherever its threads are, and nobody else's: <c>fsync</c>, <c>syncfs</c>, <c>commit</c>.</summary>
    public static async Task<IReadOnlyList<string>> CountAsync(Func<Task> work)
    {
        var requests = new ConcurrentQueue<string>();
        using var listener = Listen(request => s_current.Value?.Enqueue(request));
        s_current.Value = requests;
        await work();
        return [.. requests];
    }

    /// <summary>As the other, with what others ask for meanwhile, such as what runs behind the scenes. For programs that run one test at a time.</summary>
    public static async Task<IReadOnlyList<string>> CountAllAsync(Func<Task> work)
    {
        var requests = new ConcurrentQueue<string>();
        using var listener = Listen(requests.Enqueue);
        await work();
        return [.. requests];
    }

    private static MeterListener Listen(Action<string> hear)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Flushes.MeterName && instrument.Name == Flushes.CounterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => hear((string)tags[0].Value!));
        listener.Start();
        return listener;
    }
}
