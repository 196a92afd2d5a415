using System.Diagnostics.Metrics;

namespace Lamina.Storage;

/// <summary>How long the domain's own steps take. Whoever wants to know listens to the meter; with nobody there, it costs nothing.</summary>
public static class StorageMeter
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Lamina.Storage";

    /// <summary>The histogram of what backends do, in seconds; tags <c>pool</c>, <c>step</c> such as <c>create_volume</c>, and <c>result</c>: OK, or the kind of error.</summary>
    public const string StepName = "lamina.step.duration";

    /// <summary>The histogram of how long writers stood still, in seconds; tag <c>kind</c>: <c>writers</c> were stopped, or a <c>filesystem</c> was frozen.</summary>
    public const string PauseName = "lamina.pause.duration";

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Histogram<double> s_steps = s_meter.CreateHistogram<double>(StepName, "s", "What backends do.");
    private static readonly Histogram<double> s_pauses = s_meter.CreateHistogram<double>(PauseName, "s", "How long writers stood still.");

    internal static void Step(string pool, string step, string result, TimeSpan duration)
    {
        if (s_steps.Enabled)
            s_steps.Record(duration.TotalSeconds, new("pool", pool), new("step", step), new("result", result));
    }

    internal static void Pause(string kind, TimeSpan duration) => s_pauses.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("kind", kind));
}
