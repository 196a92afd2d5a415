using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>Of the Prometheus operator, <c>monitoring.coreos.com/v1</c>, as far as the chart uses it.</summary>
internal sealed class ServiceMonitorSpec
{
    public required V1LabelSelector Selector { get; set; }

    public required List<MonitorEndpoint> Endpoints { get; set; }

    internal sealed class MonitorEndpoint
    {
        public required string Port { get; set; }

        public string? Path { get; set; }

        public string? Interval { get; set; }

        public List<Relabeling>? Relabelings { get; set; }
    }

    internal sealed class Relabeling
    {
        public List<string>? SourceLabels { get; set; }

        public string? TargetLabel { get; set; }

        public string? Replacement { get; set; }
    }
}
