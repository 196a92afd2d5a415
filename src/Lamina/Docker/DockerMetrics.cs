using Prometheus;

namespace Lamina.Docker;

/// <summary>How long calls take and how they end.</summary>
internal sealed class DockerMetrics(CollectorRegistry registry)
{
    private readonly Histogram _seconds = Prometheus.Metrics.WithCustomRegistry(registry).CreateHistogram(
        "lamina_docker_operations_seconds",
        "Duration of calls by Docker and Podman in seconds, by method and result: OK, or the kind of error.",
        ["method_name", "result"],
        new HistogramConfiguration { Buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60, 120] });

    /// <summary>Counts one call.</summary>
    internal void Observe(string method, string result, TimeSpan duration) => _seconds.WithLabels(method, result).Observe(duration.TotalSeconds);
}
