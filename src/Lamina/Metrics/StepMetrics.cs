using System.Diagnostics.Metrics;
using Lamina.Linux;
using Lamina.Storage;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>What the layers beneath measure of themselves: steps of backends, pauses of writers, flushes.</summary>
internal sealed class StepMetrics : IDisposable
{
    private static readonly double[] s_seconds = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60];
    private readonly MeterListener _listener = new();

    public StepMetrics(CollectorRegistry registry)
    {
        var steps = OperationMetrics.HistogramOf(registry, CallFamilies.Steps, s_seconds);
        var pauses = OperationMetrics.HistogramOf(registry, CallFamilies.Pauses, s_seconds);
        var flushes = OperationMetrics.HistogramOf(registry, CallFamilies.Flushes, s_seconds);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            var histogram = (instrument.Meter.Name, instrument.Name) switch
            {
                (StorageMeter.MeterName, StorageMeter.StepName) => steps,
                (StorageMeter.MeterName, StorageMeter.PauseName) => pauses,
                (Flushes.MeterName, Flushes.DurationName) => flushes,
                _ => null,
            };
            if (histogram is not null)
                listener.EnableMeasurementEvents(instrument, histogram);
        };
        _listener.SetMeasurementEventCallback<double>(static (_, seconds, tags, state) =>
        {
            var values = new string[tags.Length];
            for (var i = 0; i < tags.Length; i++)
                values[i] = (string)tags[i].Value!;
            ((Histogram)state!).WithLabels(values).Observe(seconds);
        });
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();
}
