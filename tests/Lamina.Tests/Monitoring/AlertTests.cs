using System.Text.RegularExpressions;
using Lamina.Linux;

namespace Lamina.Tests.Monitoring;

/// <summary>The alerts, by Prometheus' own tool.</summary>
public sealed partial class AlertTests
{
    private static readonly string s_directory = Repository.PathOf("deploy/monitoring");

    [Fact]
    public Task Rules_ByPromtool_AreRight() => RunAsync("check", "rules", $"{s_directory}/alerts.yaml");

    [Fact]
    public Task Cases_ByPromtool_FireAndAreSilentAsTheyShould() => RunAsync("test", "rules", $"{s_directory}/alerts.test.yaml");

    [Fact]
    public async Task Alerts_EachOfThem_HasARunbookParagraphAndACaseOfEitherSort()
    {
        var rules = await File.ReadAllTextAsync($"{s_directory}/alerts.yaml");
        var cases = await File.ReadAllTextAsync($"{s_directory}/alerts.test.yaml");
        var runbook = await File.ReadAllTextAsync($"{s_directory}/runbook.md");
        var alerts = Alert().Matches(rules).Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(alerts);
        Assert.Equal(alerts.Order(), Heading().Matches(runbook).Select(match => match.Groups[1].Value).Order());
        Assert.Equal(alerts.Select(alert => $"runbook.md#{alert.ToLowerInvariant()}"), Anchor().Matches(rules).Select(match => match.Groups[1].Value));
        Assert.All(alerts, alert => Assert.Contains($"- name: {alert} fires\n", cases, StringComparison.Ordinal));
        Assert.All(alerts, alert => Assert.Contains($"- name: {alert} is silent\n", cases, StringComparison.Ordinal));
    }

    // What no metric is called can't fire.
    [Fact]
    public async Task Expressions_OfAlerts_AskForMetricsThatThereAre()
    {
        var known = Lamina.Metrics.Families.All.Select(family => family.Name).ToHashSet();
        var rules = await File.ReadAllTextAsync($"{s_directory}/alerts.yaml");

        var asked = Metric().Matches(rules).Select(match => Suffix().Replace(match.Value, "")).Distinct().ToList();

        Assert.True(asked.Count > 15, string.Join(' ', asked));
        Assert.All(asked, name => Assert.True(known.Contains(name), name));
    }

    private static async Task RunAsync(params string[] arguments)
    {
        Assert.SkipUnless(ChildProcess.Exists("promtool"), "Prometheus is not installed: apt-get install prometheus");
        var result = await ChildProcess.RunAsync("promtool", arguments, TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"{result.Output}\n{result.Error}");
    }

    [GeneratedRegex(@"- alert: (\w+)\n")]
    private static partial Regex Alert();

    [GeneratedRegex(@"(?m)^## (\w+)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"runbook_url: (\S+)\n")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\b(lamina|csi|process)_[a-z_]+\b")]
    private static partial Regex Metric();

    [GeneratedRegex("_(bucket|count|sum)$")]
    private static partial Regex Suffix();
}
