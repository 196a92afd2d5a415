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

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Counter<long> s_count = s_meter.CreateCounter<long>(CounterName, "{flush}", "Requests that wait until changes are on the disk.");

    internal static void Count(string request) => s_count.Add(1, new KeyValuePair<string, object?>("request", request));
}
