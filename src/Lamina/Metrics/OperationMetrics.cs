using Lamina.Hosting;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>How long calls take and how they end, under the name and labels that the CSI sidecars use for theirs.</summary>
internal sealed class OperationMetrics
{
    private readonly string _driver;
    private readonly Histogram _seconds;

    public OperationMetrics(CollectorRegistry registry, LaminaOptions options)
    {
        _driver = options.DriverName;
        _seconds = Prometheus.Metrics.WithCustomRegistry(registry).CreateHistogram(
            "csi_plugin_operations_seconds",
            "Duration of CSI calls in seconds, by method and gRPC status code.",
            ["driver_name", "method_name", "grpc_status_code"],
            new HistogramConfiguration { Buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60, 120] });
    }

    /// <summary>Counts one call.</summary>
    /// <param name="method">The full method, such as <c>/csi.v1.Controller/CreateVolume</c>.</param>
    /// <param name="code">The status code's name, such as <c>OK</c> or <c>NotFound</c>.</param>
    /// <param name="duration">How long it took.</param>
    internal void Observe(string method, string code, TimeSpan duration) => _seconds.WithLabels(_driver, method, code).Observe(duration.TotalSeconds);
}
