using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests;

namespace Lamina.Chart.Tests;

/// <summary>The chart, rendered by the program in <c>tests/chart-renderer</c>, as there is no Helm on these machines.</summary>
internal static class ChartRenderer
{
    private static readonly Lazy<Task<string>> s_program = new(BuildAsync);

    internal static string Chart => Repository.PathOf("helm/lamina");

    /// <summary>The objects that these values give.</summary>
    internal static async Task<IReadOnlyList<JsonObject>> ObjectsAsync(string values)
    {
        var file = TestScratch.NewPath("rendered.yaml");
        await File.WriteAllTextAsync(file, await OkAsync("chart", Chart, "lamina", "lamina", "-f", WriteValues(values)));
        return await ReadAsync(file);
    }

    /// <summary>The models of the objects that these values give.</summary>
    internal static async Task<IReadOnlyList<T>> ModelsAsync<T>(string values) => [.. (await ObjectsAsync(values)).Select(Kinds.Read).OfType<T>()];

    /// <summary>What the chart says to values that it refuses by itself.</summary>
    internal static async Task<string> RefusalAsync(string values)
    {
        var result = await RunAsync("chart", Chart, "lamina", "lamina", "-f", WriteValues(values));
        Assert.True(result.ExitCode != 0, $"the chart should have refused this, but gave: {result.Output}");
        return result.Error;
    }

    /// <summary>What a person is told after an install in a cluster of a version of Kubernetes.</summary>
    internal static async Task<string> NotesAsync(string values, string kubernetes)
    {
        var program = await s_program.Value;
        var result = await ChildProcess.RunAsync(
            "env", [$"KUBE_VERSION={kubernetes}", program, "notes", Chart, "lamina", "lamina", "-f", WriteValues(values)], TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"the notes can't be rendered: {result.Error}");
        return result.Output;
    }

    /// <summary>The plain manifests.</summary>
    internal static Task<string> ManifestsAsync() => OkAsync("manifests", Chart, "lamina", "lamina", "-f", Repository.PathOf("deploy/kubernetes/values.yaml"));

    /// <summary>The chart's own values with these over them.</summary>
    internal static async Task<JsonObject> ValuesAsync(string values) => JsonNode.Parse(await OkAsync("values", Chart, "-f", WriteValues(values)))!.AsObject();

    /// <summary>The documents of a YAML file.</summary>
    internal static async Task<IReadOnlyList<JsonObject>> ReadAsync(string file) =>
        [.. JsonNode.Parse(await OkAsync("json", file))!.AsArray().Select(document => document!.AsObject())];

    private static string WriteValues(string values)
    {
        var file = TestScratch.NewPath("values.yaml");
        File.WriteAllText(file, values.Length > 0 ? values : "{}");
        return file;
    }

    private static async Task<string> OkAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"chart-renderer {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result.Output;
    }

    private static async Task<ChildResult> RunAsync(params string[] arguments) =>
        await ChildProcess.RunAsync(await s_program.Value, arguments, TestContext.Current.CancellationToken);

    private static async Task<string> BuildAsync()
    {
        Requirements.Command("go", "golang-go");
        Requirements.Met(Directory.Exists("/usr/share/gocode/src/github.com/Masterminds/sprig"), "needs the package golang-github-masterminds-sprig-dev");
        var program = TestScratch.NewPath("chart-renderer");
        // Not the token of the test that comes first: all wait for this.
        var result = await ChildProcess.RunAsync(Repository.PathOf("tests/chart-renderer/build.sh"), [program], CancellationToken.None);
        Assert.True(result.ExitCode == 0, $"the renderer can't be built: {result.Error}");
        return program;
    }
}
