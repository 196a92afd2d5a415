using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Tests;

namespace Lamina.Chart.Tests;

/// <summary>What lies beside the chart says what the chart does.</summary>
public sealed class ShippedFilesTests
{
    [Fact]
    public async Task Readme_OfTheChart_NamesEveryValueAndItsDefault()
    {
        var values = Leaves("", await ChartRenderer.ValuesAsync("")).ToList();
        var rows = File.ReadLines(Path.Combine(ChartRenderer.Chart, "README.md"))
            .SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split(" | ").Select(cell => cell.Trim()).ToArray()).ToList();

        Assert.Equal(values.Select(value => value.Key).Order(StringComparer.Ordinal), rows.Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal));
        foreach (var (key, value) in values)
        {
            var told = rows.Single(row => row[0] == $"`{key}`")[1];
            // What has no short text of its own is told in words.
            Assert.Equal(value is null ? "" : $"`{value}`", told.StartsWith('`') ? told : "");
        }
    }

    [Fact]
    public async Task Manifests_AreMadeFromTheChart() => Assert.True(
        await ChartRenderer.ManifestsAsync() == await File.ReadAllTextAsync(Repository.PathOf("deploy/kubernetes/lamina.yaml"), TestContext.Current.CancellationToken),
        "deploy/kubernetes/lamina.yaml differs from what the chart gives: make manifests");

    [Fact]
    public async Task Manifests_BeginWithTheNamespace_AndAreKnownInEveryField()
    {
        var objects = await ChartRenderer.ReadAsync(Repository.PathOf("deploy/kubernetes/lamina.yaml"));

        Assert.Equal("v1 Namespace", Kinds.KindOf(objects[0]));
        Assert.All(objects, @object => Kinds.Read(@object));
    }

    // Deleted as the README says, they leave the namespace, and with it what others have put there.
    [Fact]
    public async Task Manifests_ButTheNamespace_HaveTheLabelThatTheyAreDeletedBy()
    {
        const string key = "app.kubernetes.io/name";
        var objects = await ChartRenderer.ReadAsync(Repository.PathOf("deploy/kubernetes/lamina.yaml"));

        Assert.All(objects, @object => Assert.Equal(Kinds.KindOf(@object) == "v1 Namespace" ? null : "lamina", (string?)@object["metadata"]!["labels"]![key]));
        Assert.Contains($"kubectl delete -f deploy/kubernetes/lamina.yaml -l {key}=lamina", await ReadmeAsync("README.md"), StringComparison.Ordinal);
    }

    // Helm keeps its release in the namespace: it must be there before, and what Helm makes by itself has no label for pod security.
    [Theory]
    [InlineData("README.md")]
    [InlineData("helm/lamina/README.md")]
    public async Task Install_ByTheReadme_MakesTheNamespaceFirst(string file)
    {
        var text = await ReadmeAsync(file);
        var places = ((string[])["kubectl create namespace lamina\n", "kubectl label namespace lamina pod-security.kubernetes.io/enforce=privileged", "helm install lamina "])
            .Select(command => text.IndexOf(command, StringComparison.Ordinal)).ToList();

        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.DoesNotContain("--create-namespace", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--enable-distributed-snapshotting")]
    [InlineData("`get`, `list` and `watch` `nodes`")]
    [InlineData("--set snapshots.enabled=false")]
    public async Task Readme_NamesWhatSnapshotsNeedOfTheCluster(string needed) => Assert.Contains(needed, await ReadmeAsync("README.md"), StringComparison.Ordinal);

    private static Task<string> ReadmeAsync(string file) => File.ReadAllTextAsync(Repository.PathOf(file), TestContext.Current.CancellationToken);

    private static IEnumerable<(string Key, string? Default)> Leaves(string prefix, JsonObject values) => values.SelectMany(pair => pair.Value switch
    {
        JsonObject { Count: > 0 } inner => Leaves($"{prefix}{pair.Key}.", inner),
        var value => [($"{prefix}{pair.Key}", TextOf(value!))],
    });

    private static string? TextOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => (string)value! is { Length: > 0 } text ? text : null,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Number => ((double)value).ToString(CultureInfo.InvariantCulture),
        JsonValueKind.Array => value.AsArray().Count == 0 ? "[]" : null,
        _ => "{}",
    };
}
