using System.Text.Json.Nodes;
using Lamina.Csi.Requests;
using Lamina.Storage;
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
    [InlineData("pools: { Fast: { backend: overlay2, path: /a/b } }", "Fast")]
    [InlineData("pools: { fast: { backend: overlay2 } }", "fast")]
    [InlineData("pools: { fast: { backend: floppy, path: /a/b } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: a } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a/b, image: /b.img } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/../b } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/ } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/b, image: /b/c } }", "fast")]
    [InlineData("pools: { fast: { backend: overlay2, path: /a/b, quota: simple } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a/b, liveSnapshot: pause } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a/b, minFree: much } }", "fast")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a/b, maxPause: 2s } }", "fast")]
    [InlineData("pools: { tank: { backend: zfs } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: /tank/lamina } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank/lamina/ } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank/-r } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank/lamina, path: /a/b } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank/lamina, image: /a/b } }", "tank")]
    [InlineData("pools: { tank: { backend: zfs, dataset: tank/lamina, quota: simple } }", "tank")]
    [InlineData("pools: { fast: { backend: btrfs, path: /a/b, dataset: tank/lamina } }", "fast")]
    [InlineData("stateDir: /lamina", "stateDir")]
    [InlineData("configDir: etc/lamina", "configDir")]
    [InlineData("storageClasses: [{ name: a, parameters: { colour: red } }]", "colour")]
    [InlineData("storageClasses: [{ name: a, parameters: { mode: \"7\" } }]", "mode")]
    [InlineData("storageClasses: [{ name: a, parameters: { compression: best } }]", "compression")]
    [InlineData("storageClasses: [{ name: a, parameters: { copyOnWrite: maybe } }]", "copyOnWrite")]
    [InlineData("storageClasses: [{ name: a, parameters: { recordsize: large } }]", "recordsize")]
    [InlineData("storageClasses: [{ name: a, parameters: { volblocksize: large } }]", "volblocksize")]
    [InlineData("storageClasses: [{ name: a, parameters: { atime: true } }]", "atime")]
    [InlineData("storageClasses: [{ name: a, parameters: { logbias: speed } }]", "logbias")]
    [InlineData("storageClasses: [{ name: a, parameters: { encryption: rot13 } }]", "encryption")]
    [InlineData("storageClasses: [{ name: a, parameters: { csi.storage.k8s.io/provisioner-secret: a } }]", "provisioner-secret")]
    [InlineData("storageClasses: [{ name: A }]", "name")]
    [InlineData("storageClasses: [{ name: a, reclaimPolicy: Recycle }]", "reclaimPolicy")]
    [InlineData("storageClasses: [{ name: a, volumeBindingMode: Immediate }]", "volumeBindingMode")]
    [InlineData("storageClasses: [{ name: a, fsType: ext3 }]", "fsType")]
    [InlineData("storageClasses: [{ name: a, mountOptions: [discard] }]", "mountOptions")]
    [InlineData("storageClasses: [{ default: true }]", "storageClasses")]
    [InlineData("metrics: { port: 0 }", "port")]
    [InlineData("metrics: { serviceMonitor: { interval: often } }", "interval")]
    [InlineData("healthPort: 65536", "healthPort")]
    [InlineData("snapshots: { classes: [{ name: a, deletionPolicy: Keep }] }", "deletionPolicy")]
    [InlineData("snapshots: { groups: 1 }", "groups")]
    [InlineData("csiDriver: { ephemeralProfile: lax }", "ephemeralProfile")]
    [InlineData("provisionerSecrets: [key]", "provisionerSecrets")]
    [InlineData("provisionerSecrets: [{ name: key }]", "namespace")]
    [InlineData("provisionerSecrets: [{ name: key, namespace: \"*\" }]", "namespace")]
    [InlineData("monitoring: { enabled: true }", "enabled")]
    [InlineData("monitoring: { prometheusRule: { enabled: \"yes\" } }", "enabled")]
    [InlineData("monitoring: { prometheusRule: { runbookBase: runbooks } }", "runbookBase")]
    [InlineData("monitoring: { dashboard: { namespace: Grafana } }", "namespace")]
    [InlineData("monitoring: { dashboard: { labels: { grafana_dashboard: 1 } } }", "grafana_dashboard")]
    [InlineData("image: { repository: \"\" }", "repository")]
    [InlineData("image: { pullPolicy: Sometimes }", "pullPolicy")]
    [InlineData("driverName: Lamina", "driverName")]
    [InlineData("kubeletDir: var/lib/kubelet", "kubeletDir")]
    [InlineData("bindRoots: [/]", "bindRoots")]
    [InlineData("maxVolumesPerNode: -1", "maxVolumesPerNode")]
    [InlineData("namespace: { create: 1 }", "create")]
    [InlineData("resources: { request: {} }", "request")]
    [InlineData("sidecars: { attacher: { tag: v1 } }", "attacher")]
    [InlineData("priorityClassName: 1", "priorityClassName")]
    [InlineData("priorityQuota: 1", "priorityQuota")]
    [InlineData("updateStrategy: { type: Recreate }", "type")]
    [InlineData("updateStrategy: { rollingUpdate: { maxUnavailable: -1 } }", "maxUnavailable")]
    [InlineData("tolerations: [{ effect: NoRun }]", "effect")]
    [InlineData("tolerations: [{ keys: a }]", "keys")]
    [InlineData("imagePullSecrets: [registry]", "imagePullSecrets")]
    [InlineData("podLabels: { team: 1 }", "team")]
    [InlineData("nodeSelector: { ssd: true }", "ssd")]
    [InlineData("logLevel: debug", "logLevel")]
    [InlineData("sidecars: { resizer: { tag: \"\" } }", "tag")]
    public async Task Mistake_IsRefused_AndNamed(string values, string named)
    {
        var errors = await ErrorsOfAsync(values);

        Assert.Contains(errors, error => error.Contains(named, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Parameters_OfAStorageClass_AreThoseThatTheDaemonKnows()
    {
        var refusal = Assert.Throws<StorageException>(() => VolumeParameters.Parse([new("unknown", "")])).Message;
        var known = refusal[(refusal.IndexOf("known are ", StringComparison.Ordinal) + "known are ".Length)..].Split([", ", " and "], StringSplitOptions.None);
        var schema = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(ChartRenderer.Chart, "values.schema.json"), TestContext.Current.CancellationToken))!;
        var allowed = schema["properties"]!["storageClasses"]!["items"]!["properties"]!["parameters"]!["properties"]!.AsObject().Select(parameter => parameter.Key);

        Assert.Equal(known.Order(StringComparer.Ordinal), allowed.Where(key => !key.StartsWith(ClassParameters.KubernetesPrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    // But for what Kubernetes itself checks, or other charts share.
    [Fact]
    public async Task Schema_HasNoObjectThatTakesAnyKey()
    {
        var schema = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(ChartRenderer.Chart, "values.schema.json"), TestContext.Current.CancellationToken))!;

        Assert.Equal(["$.properties.affinity", "$.properties.global"], LooseObjects(schema).Select(node => node.GetPath()).Order());
    }

    // Those that have neither a list of keys nor a rule for all.
    private static IEnumerable<JsonNode> LooseObjects(JsonNode? node) => node switch
    {
        JsonObject { } inner => (inner["type"] is JsonValue type && (string?)type == "object" && inner["additionalProperties"] is null ? [inner] : Array.Empty<JsonNode>())
            .Concat(inner.SelectMany(pair => LooseObjects(pair.Value))),
        JsonArray list => list.SelectMany(LooseObjects),
        _ => [],
    };

    private static async Task<IReadOnlyList<string>> ErrorsOfAsync(string values)
    {
        var schema = await JsonSchema.FromFileAsync(Path.Combine(ChartRenderer.Chart, "values.schema.json"), TestContext.Current.CancellationToken);
        return [.. schema.Validate((await ChartRenderer.ValuesAsync(values)).ToJsonString()).Select(error => error.ToString())];
    }
}
