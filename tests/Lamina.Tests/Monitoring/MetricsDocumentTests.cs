using System.Text.RegularExpressions;
using Lamina.Metrics;

namespace Lamina.Tests.Monitoring;

/// <summary><c>deploy/monitoring/metrics.md</c> says what the program does.</summary>
public sealed partial class MetricsDocumentTests
{
    [Fact]
    public async Task Document_ForEveryMetric_SaysWhatTheProgramSays()
    {
        var lines = await File.ReadAllLinesAsync(Repository.PathOf("deploy/monitoring/metrics.md"), TestContext.Current.CancellationToken);
        var documented = lines.Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();

        Assert.Equal(Families.All.Select(LineOf).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
        Assert.Equal(Families.All.Count(), Families.All.Select(family => family.Name).Distinct().Count());
    }

    // What nobody looks at need not be told.
    [Fact]
    public async Task Metrics_EachOfThem_IsAskedForByTheDashboardOrAnAlert()
    {
        var dashboard = await File.ReadAllTextAsync(Repository.PathOf("deploy/monitoring/dashboard.json"), TestContext.Current.CancellationToken);
        var alerts = await File.ReadAllTextAsync(Repository.PathOf("deploy/monitoring/alerts.yaml"), TestContext.Current.CancellationToken);
        var asked = Name().Matches(dashboard + alerts).Select(match => match.Value).ToHashSet();

        Assert.All(Families.All, family => Assert.Contains(asked, name => name == family.Name || (family.Type == "histogram" && name.StartsWith(family.Name + "_", StringComparison.Ordinal))));
    }

    [GeneratedRegex(@"\b(lamina|csi|process)_[a-z_]+\b")]
    private static partial Regex Name();

    private static string LineOf(Family family)
    {
        var labels = family.Labels.Length == 0 ? "-" : string.Join(", ", family.Labels.Select(label => $"`{label}`"));
        return $"| `{family.Name}` | {family.Type} | {labels} | {family.Help} |";
    }
}
