using Lamina.Metrics;

namespace Lamina.Tests.Monitoring;

/// <summary><c>deploy/monitoring/metrics.md</c> says what the program does.</summary>
public sealed class MetricsDocumentTests
{
    [Fact]
    public async Task Document_ForEveryMetric_SaysWhatTheProgramSays()
    {
        var lines = await File.ReadAllLinesAsync(Repository.PathOf("deploy/monitoring/metrics.md"), TestContext.Current.CancellationToken);
        var documented = lines.Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();

        Assert.Equal(Families.All.Select(LineOf).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
        Assert.Equal(Families.All.Count(), Families.All.Select(family => family.Name).Distinct().Count());
    }

    private static string LineOf(Family family)
    {
        var labels = family.Labels.Length == 0 ? "-" : string.Join(", ", family.Labels.Select(label => $"`{label}`"));
        return $"| `{family.Name}` | {family.Type} | {labels} | {family.Help} |";
    }
}
