using Lamina.Hosting;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>How long calls take and how they end; CSI's under the name and labels that the sidecars use for theirs.</summary>
internal sealed class OperationMetrics
{
    private static readonly double[] s_buckets = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60, 120];
    private readonly string _driver;
    private readonly Histogram _csi;
    private readonly Histogram _docker;
    private readonly Histogram _admin;
    private readonly Gauge _inFlight;

    public OperationMetrics(CollectorRegistry registry, LaminaOptions options)
    {
        _driver = options.DriverName;
        _csi = HistogramOf(registry, CallFamilies.Csi, s_buckets);
        _docker = HistogramOf(registry, CallFamilies.Docker, s_buckets);
        _admin = HistogramOf(registry, CallFamilies.Admin, s_buckets);
        _inFlight = Prometheus.Metrics.WithCustomRegistry(registry).CreateGauge(CallFamilies.InFlight.Name, CallFamilies.InFlight.Help, CallFamilies.InFlight.Labels);
        foreach (var door in (string[])["csi", "docker", "admin"])
            _inFlight.WithLabels(door).Set(0);
    }

    /// <summary>A call is being answered, until the end of the scope.</summary>
    /// <param name="door"><c>csi</c>, <c>docker</c> or <c>admin</c>.</param>
    internal IDisposable Begin(string door) => _inFlight.WithLabels(door).TrackInProgress();

    /// <summary>Counts one call by CSI.</summary>
    /// <param name="method">The full method, such as <c>/csi.v1.Controller/CreateVolume</c>.</param>
    /// <param name="code">The status code's name, such as <c>OK</c> or <c>NotFound</c>.</param>
    /// <param name="duration">How long it took.</param>
    internal void Observe(string method, string code, TimeSpan duration) => _csi.WithLabels(_driver, method, code).Observe(duration.TotalSeconds);

    /// <summary>Counts one call by an engine.</summary>
    internal void ObserveDocker(string method, string result, TimeSpan duration) => _docker.WithLabels(method, result).Observe(duration.TotalSeconds);

    /// <summary>Counts one call of the command line.</summary>
    internal void ObserveAdmin(string method, string code, TimeSpan duration) => _admin.WithLabels(method, code).Observe(duration.TotalSeconds);

    /// <summary>All calls so far, by door, method and outcome.</summary>
    internal IEnumerable<CallCount> Counts() => CountsOf(_csi, "csi").Concat(CountsOf(_docker, "docker")).Concat(CountsOf(_admin, "cli"))
        .OrderBy(count => count.Door, StringComparer.Ordinal).ThenBy(count => count.Method, StringComparer.Ordinal).ThenBy(count => count.Outcome, StringComparer.Ordinal);

    // The last two labels of each are the method and the outcome.
    private static IEnumerable<CallCount> CountsOf(Histogram calls, string door) => calls.GetAllLabelValues().Select(labels =>
    {
        var seen = calls.WithLabels(labels);
        return new CallCount(door, ShortName(labels[^2]), labels[^1], seen.Count, TimeSpan.FromSeconds(seen.Sum));
    });

    // "/lamina.v1.Volumes/List" tells what is listed only with its service, and "VolumeDriver.Create" is known by that name.
    private static string ShortName(string method) => method.StartsWith('/') ? method[(method.LastIndexOf('.') + 1)..] : method;

    internal static Histogram HistogramOf(CollectorRegistry registry, Family family, double[] buckets) => Prometheus.Metrics.WithCustomRegistry(registry)
        .CreateHistogram(family.Name, family.Help, family.Labels, new HistogramConfiguration { Buckets = buckets });
}
