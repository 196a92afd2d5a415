using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Linux;
using Lamina.Testing;
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

    // The image that is made and pushed is the one that the pods have, by either way.
    [Fact]
    public async Task Image_ByTheReadme_IsWhatThePodsAreMadeOf()
    {
        var commands = (await ReadmeAsync("README.md")).Split('\n').Select(line => line.Trim()).ToList();
        var made = commands.Single(line => line.StartsWith("make image IMAGE=", StringComparison.Ordinal))["make image IMAGE=".Length..];
        var sed = commands.Single(line => line.StartsWith("sed ", StringComparison.Ordinal) && line.EndsWith(" | kubectl apply -f -", StringComparison.Ordinal)).Split(" | kubectl")[0];
        var install = commands.Single(line => line.StartsWith("helm install ", StringComparison.Ordinal));
        var manifests = TestScratch.NewPath("manifests.yaml");

        var run = await ChildProcess.RunAsync("sh", ["-euc", $"cd '{Repository.PathOf("")}'; {sed} > '{manifests}'"], TestContext.Current.CancellationToken);

        Assert.True(run.Succeeded, run.Error);
        Assert.Contains(commands, line => line.StartsWith($"docker push {made} ", StringComparison.Ordinal));
        Assert.Equal(made, DaemonImage((await ChartRenderer.ReadAsync(manifests)).Select(Kinds.Read)));
        var repository = install.Split("--set image.repository=")[1].Split(' ')[0];
        Assert.Equal(made, DaemonImage(await ChartRenderer.ModelsAsync<V1DaemonSet>($"image: {{ repository: {repository} }}")));
    }

    // The default pool makes no snapshot of a volume in use without it, and the example's is of one; and there is none before the pod is.
    [Fact]
    public async Task Commands_OfTheReadme_MakeASnapshotThatIsNotRefused()
    {
        var commands = (await ReadmeAsync("README.md")).Split('\n').Select(line => line.Trim()).ToList();

        Assert.Contains("--set hostPID=true", commands.Single(line => line.StartsWith("helm install ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(
            commands.IndexOf("kubectl apply -f deploy/kubernetes/examples/snapshot.yaml") - 1, commands.IndexOf("kubectl rollout status statefulset/postgresql"));
    }

    [Theory]
    [InlineData("--enable-distributed-snapshotting")]
    [InlineData("`get`, `list` and `watch` `nodes`")]
    [InlineData("--set snapshots.enabled=false")]
    public async Task Readme_NamesWhatSnapshotsNeedOfTheCluster(string needed) => Assert.Contains(needed, await ReadmeAsync("README.md"), StringComparison.Ordinal);

    private static string DaemonImage(IEnumerable<object> objects) =>
        objects.OfType<V1DaemonSet>().Single().Spec.Template.Spec.Containers.Single(container => container.Name == "lamina").Image;

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
