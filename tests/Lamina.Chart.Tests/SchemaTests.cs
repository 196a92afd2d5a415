using NJsonSchema;

namespace Lamina.Chart.Tests;

/// <summary>Values are checked by the chart's schema before anything is installed.</summary>
public sealed class SchemaTests
{
    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task EachValueSet_IsAllowed(string values) => Assert.Empty(await ErrorsOfAsync(values));

    [Theory]
    [InlineData("pool: {}", "pool")]
    [InlineData("hostPid: true", "hostPid")]
    [InlineData("hostPID: \"yes\"", "hostPID")]
    [InlineData("pools: { Fast: { backend: overlay2, path: /a } }", "Fast")]
    [InlineData("pools: { fast: { backend: overlay2 } }", "fast")]
    [InlineData("pools: { fast: { backend: floppy, path: /a } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: a } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/../b } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/ } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a, image: /b/c } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a, quota: simple } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a, liveSnapshot: pause } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a, minFree: much } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a, maxPause: 2s } }", "fast")]
    [InlineData("stateDir: /lamina", "stateDir")]
    [InlineData("storageClasses: [{ name: a, parameters: { colour: red } }]", "colour")]
    [InlineData("storageClasses: [{ name: a, fsType: ext3 }]", "fsType")]
    [InlineData("storageClasses: [{ name: a, mountOptions: [discard] }]", "mountOptions")]
    [InlineData("storageClasses: [{ default: true }]", "storageClasses")]
    [InlineData("metrics: { port: 0 }", "port")]
    [InlineData("logLevel: debug", "logLevel")]
    [InlineData("sidecars: { resizer: { tag: \"\" } }", "tag")]
    public async Task Mistake_IsRefused_AndNamed(string values, string named)
    {
        var errors = await ErrorsOfAsync(values);

        Assert.Contains(errors, error => error.Contains(named, StringComparison.Ordinal));
    }

    private static async Task<IReadOnlyList<string>> ErrorsOfAsync(string values)
    {
        var schema = await JsonSchema.FromFileAsync(Path.Combine(ChartRenderer.Chart, "values.schema.json"), TestContext.Current.CancellationToken);
        return [.. schema.Validate((await ChartRenderer.ValuesAsync(values)).ToJsonString()).Select(error => error.ToString())];
    }
}
