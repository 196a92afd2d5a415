using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Lamina.Linux;

/// <summary>
/// Counts what makes changes durable. Each of them waits for the disk, so their number is what a change costs: it is kept small, and this is
/// how to see that it is.
/// </summary>
public static class Flushes
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Lamina.Linux";

    /// <summary>
    /// The name of the counter. Its tag <c>request</c> is <c>fsync</c>, <c>fdatasync</c>, <c>syncfs</c>, or <c>commit</c> for a Btrfs transaction.
    /// Counted on the thread that asks, before it waits.
    /// </summary>
    public const string CounterName = "lamina.flushes";

    /// <summary>The name of the histogram of how long they wait, in seconds, with the same tag.</summary>
    public const string DurationName = "lamina.flush.duration";

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Counter<long> s_count = s_meter.CreateCounter<long>(CounterName, "{flush}", "Requests that wait until changes are on the disk.");

    private static readonly Histogram<double> s_seconds = s_meter.CreateHistogram<double>(DurationName, "s", "How long they wait.");

    /// <summary>Counts one, and measures how long it takes until the end of the scope.</summary>
    internal static Waiting Begin(string request)
    {
        s_count.Add(1, new KeyValuePair<string, object?>("request", request));
        return new Waiting(request, s_seconds.Enabled ? Stopwatch.GetTimestamp() : 0, LinuxTrace.Source.StartActivity(request));
    }

    internal readonly struct Waiting(string request, long started, Activity? span) : IDisposable
    {
        public void Dispose()
        {
            span?.Dispose();
            if (started != 0)
                s_seconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("request", request));
        }
    }
}
