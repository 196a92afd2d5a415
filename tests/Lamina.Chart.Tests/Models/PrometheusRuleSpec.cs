namespace Lamina.Chart.Tests.Models;

/// <summary>Of the Prometheus operator, <c>monitoring.coreos.com/v1</c>, as far as alerts go.</summary>
internal sealed class PrometheusRuleSpec
{
    public required List<RuleGroup> Groups { get; set; }

    internal sealed class RuleGroup
    {
        public required string Name { get; set; }

        public required List<Rule> Rules { get; set; }
    }

    internal sealed class Rule
    {
        public required string Alert { get; set; }

        public required string Expr { get; set; }

        public string? For { get; set; }

        public Dictionary<string, string>? Labels { get; set; }

        public Dictionary<string, string>? Annotations { get; set; }
    }
}
