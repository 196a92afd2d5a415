using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Chart.Tests.Models;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests;

namespace Lamina.Chart.Tests;

/// <summary>Alerts and the dashboard, which are those of <c>deploy/monitoring</c> and come through the templates unchanged.</summary>
public sealed class MonitoringTests
{
    private const string Rule = "monitoring: { prometheusRule: { enabled: true } }";
    private const string Dashboard = "monitoring: { dashboard: { enabled: true } }";

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("dashboard.json")]
    public async Task Files_OfTheChart_AreThoseThatAreTested(string file)
    {
        var tested = await File.ReadAllBytesAsync(Repository.PathOf($"deploy/monitoring/{file}"), TestContext.Current.CancellationToken);
        var shipped = await File.ReadAllBytesAsync(Path.Combine(ChartRenderer.Chart, "files", file), TestContext.Current.CancellationToken);

        Assert.True(tested.SequenceEqual(shipped), $"helm/lamina/files/{file} differs from deploy/monitoring/{file}: make manifests");
    }

    [Fact]
    public async Task Nothing_OfIt_IsThereUnlessItIsWanted() =>
        Assert.DoesNotContain(await ChartRenderer.ObjectsAsync(ValueSets.Default), @object => Kinds.KindOf(@object).Contains("monitoring", StringComparison.Ordinal) || NameOf(@object).Contains("dashboard", StringComparison.Ordinal));

    [Fact]
    public async Task Alerts_AreThoseOfTheFile_WithTheirOwnTemplates()
    {
        var rule = Assert.Single(await ChartRenderer.ObjectsAsync(Rule), @object => Kinds.KindOf(@object) == "monitoring.coreos.com/v1 PrometheusRule");
        var file = Assert.Single(await ChartRenderer.ReadAsync(Repository.PathOf("deploy/monitoring/alerts.yaml")));
        var model = Assert.IsType<CustomObject<PrometheusRuleSpec>>(Kinds.Read(rule));

        Assert.True(JsonNode.DeepEquals(file, rule["spec"]), rule["spec"]!.ToJsonString());
        Assert.All(model.Spec.Groups.SelectMany(group => group.Rules), alert => Assert.Contains("{{ $labels.instance }}", alert.Annotations!["summary"], StringComparison.Ordinal));
        Assert.Equal(("lamina", "lamina"), (model.Metadata.Name, model.Metadata.NamespaceProperty));
    }

    [Fact]
    public async Task Alerts_ByPromtool_AreRight()
    {
        Requirements.Command("promtool", "prometheus");
        var rule = Assert.Single(await ChartRenderer.ObjectsAsync(ValueSets.Monitored), @object => Kinds.KindOf(@object) == "monitoring.coreos.com/v1 PrometheusRule");
        var file = TestScratch.NewPath("rules.yaml");
        // JSON is YAML.
        await File.WriteAllTextAsync(file, rule["spec"]!.ToJsonString(), TestContext.Current.CancellationToken);

        var result = await ChildProcess.RunAsync("promtool", ["check", "rules", file], TestContext.Current.CancellationToken);

        Assert.True(result.Succeeded, $"{result.Output}{result.Error}");
    }

    [Fact]
    public async Task Alerts_WithARunbookOfOnesOwn_NameIt()
    {
        var rule = Assert.Single(await ChartRenderer.ModelsAsync<CustomObject<PrometheusRuleSpec>>(ValueSets.Monitored));
        var file = await ChartRenderer.ReadAsync(Repository.PathOf("deploy/monitoring/alerts.yaml"));

        Assert.Equal(
            file.Single()["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray()).Select(alert => $"https://git.example.org/lamina/deploy/monitoring/{alert!["annotations"]!["runbook_url"]}"),
            rule.Spec.Groups.SelectMany(group => group.Rules).Select(alert => alert.Annotations!["runbook_url"]));
        Assert.Equal(("monitoring", "prometheus"), (rule.Metadata.NamespaceProperty, rule.Metadata.Labels["release"]));
    }

    [Fact]
    public async Task Dashboard_IsThatOfTheFile_WhereGrafanaLooksForIt()
    {
        var map = Assert.Single(await ChartRenderer.ModelsAsync<V1ConfigMap>(Dashboard), map => map.Metadata.Name == "lamina-dashboard");

        Assert.Equal(("lamina", "1"), (map.Metadata.NamespaceProperty, map.Metadata.Labels["grafana_dashboard"]));
        var (name, text) = Assert.Single(map.Data);
        Assert.Equal("lamina.json", name);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(text), JsonNode.Parse(await File.ReadAllTextAsync(Repository.PathOf("deploy/monitoring/dashboard.json"), TestContext.Current.CancellationToken))));
    }

    [Fact]
    public async Task Dashboard_ForAnotherGrafana_HasItsLabelsAndFolder()
    {
        var map = Assert.Single(await ChartRenderer.ModelsAsync<V1ConfigMap>(ValueSets.Monitored), map => map.Metadata.Name == "lamina-dashboard");

        Assert.Equal(("grafana", "yes", "Storage"), (map.Metadata.NamespaceProperty, map.Metadata.Labels["dashboards"], map.Metadata.Annotations["grafana_folder"]));
        Assert.False(map.Metadata.Labels.ContainsKey("grafana_dashboard"));
    }

    // What alerts and dashboard ask for, whatever the pods' addresses are.
    [Fact]
    public async Task Figures_AreOfTheJobAndTheNode()
    {
        var endpoint = Assert.Single(Assert.Single(await ChartRenderer.ModelsAsync<CustomObject<ServiceMonitorSpec>>(ValueSets.Monitored)).Spec.Endpoints);

        Assert.Equal("lamina", endpoint.Relabelings!.Single(relabeling => relabeling.TargetLabel == "job").Replacement);
        Assert.Equal(["__meta_kubernetes_pod_node_name"], endpoint.Relabelings!.Single(relabeling => relabeling.TargetLabel == "instance").SourceLabels);
    }

    private static string NameOf(JsonObject @object) => (string)@object["metadata"]!["name"]!;
}
