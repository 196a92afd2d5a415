using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Chart.Tests.Models;

namespace Lamina.Chart.Tests;

/// <summary>What the chart gives is what Kubernetes takes.</summary>
public sealed class RenderingTests
{
    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task EveryObject_OfEachValueSet_HasOnlyKnownFields(string values)
    {
        var objects = await ChartRenderer.ObjectsAsync(values);

        Assert.All(objects, @object => Kinds.Read(@object));
        Assert.Equal(objects.Count, objects.DistinctBy(@object => $"{Kinds.KindOf(@object)} {@object["metadata"]!["name"]}").Count());
    }

    [Fact]
    public void UnknownField_OfAnObject_IsAnError()
    {
        var account = JsonNode.Parse("""{ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "a", "nam": "b" } }""")!.AsObject();
        var @class = JsonNode.Parse("""{ "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {}, "driver": "a", "deletionPolicy": "Delete", "x": 1 }""")!.AsObject();

        Assert.Throws<JsonException>(() => Kinds.Read(account));
        Assert.Throws<JsonException>(() => Kinds.Read(@class));
    }

    [Fact]
    public async Task Kinds_ByDefault_AreThese() => Assert.Equal(
        ["ClusterRole", "ClusterRole", "ClusterRoleBinding", "ClusterRoleBinding", "CSIDriver", "DaemonSet", "Role", "Role", "RoleBinding", "RoleBinding", "ServiceAccount", "StorageClass", "VolumeSnapshotClass"],
        (await ChartRenderer.ObjectsAsync(ValueSets.Default)).Select(@object => (string)@object["kind"]!).Order(StringComparer.OrdinalIgnoreCase));

    // An upgrade or an uninstall of a chart that has those of the snapshot API takes them all away, with every snapshot.
    [Fact]
    public void Chart_HasNoDefinitionsOfOthers()
    {
        Assert.False(Directory.Exists(Path.Combine(ChartRenderer.Chart, "crds")));
        Assert.All(Directory.GetFiles(ChartRenderer.Chart, "*.yaml", SearchOption.AllDirectories), file => Assert.DoesNotContain("CustomResourceDefinition", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public async Task DriverName_Changed_IsChangedEverywhere()
    {
        var objects = (await ChartRenderer.ObjectsAsync(ValueSets.HostPid)).Select(Kinds.Read).ToList();

        Assert.Equal("second.lamina.dev", objects.OfType<V1CSIDriver>().Single().Metadata.Name);
        Assert.Equal("second.lamina.dev", objects.OfType<V1StorageClass>().Single().Provisioner);
        Assert.Equal("second.lamina.dev", objects.OfType<SnapshotClass>().Single().Driver);
        Assert.DoesNotContain("csi.lamina.dev", string.Join('\n', (await ChartRenderer.ObjectsAsync(ValueSets.HostPid)).Select(@object => @object.ToJsonString())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Driver_IsWhatTheDaemonCanDo()
    {
        var spec = (await ChartRenderer.ModelsAsync<V1CSIDriver>(ValueSets.Default)).Single().Spec;

        Assert.Equal((false, true, true, "File", false), (spec.AttachRequired, spec.PodInfoOnMount, spec.StorageCapacity, spec.FsGroupPolicy, spec.SeLinuxMount));
        Assert.Equal(["Persistent", "Ephemeral"], spec.VolumeLifecycleModes);
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task StorageClasses_WaitForTheirPod_AndMayGrow(string values) => Assert.All(
        await ChartRenderer.ModelsAsync<V1StorageClass>(values),
        @class => Assert.Equal(("WaitForFirstConsumer", true), (@class.VolumeBindingMode, @class.AllowVolumeExpansion)));

    [Fact]
    public async Task Numbers_InParameters_AreWrittenOut()
    {
        var parameters = (await ChartRenderer.ModelsAsync<V1StorageClass>(ValueSets.Pools)).Single(@class => @class.Metadata.Name == "fast").Parameters;

        Assert.Equal(("999", "1000650000"), (parameters["uid"], parameters["gid"]));
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Roles_AllowNothingWholesale_AndNoSecrets(string values)
    {
        var objects = (await ChartRenderer.ObjectsAsync(values)).Select(Kinds.Read).ToList();
        var rules = objects.OfType<V1ClusterRole>().SelectMany(role => role.Rules).Concat(objects.OfType<V1Role>().SelectMany(role => role.Rules)).ToList();

        Assert.NotEmpty(rules);
        Assert.All(rules, rule => Assert.DoesNotContain("*", rule.Verbs.Concat(rule.Resources).Concat(rule.ApiGroups)));
        Assert.All(rules.Where(rule => rule.Resources.Contains("secrets")), rule => Assert.Equal(("get", 1), (Assert.Single(rule.Verbs), rule.ResourceNames.Count)));
        Assert.Equal(values == ValueSets.Zfs, rules.Any(rule => rule.Resources.Contains("secrets")));
    }

    // With --node-deployment the provisioner knows the topology of its own node from the daemon, and asks for no other.
    [Fact]
    public async Task Roles_OfTheSidecars_ReadNoNodes() => Assert.DoesNotContain(
        (await ChartRenderer.ModelsAsync<V1ClusterRole>(ValueSets.Default)).Single(role => role.Metadata.Name == "lamina").Rules.SelectMany(rule => rule.Resources),
        resource => resource is "nodes" or "csinodes");

    [Fact]
    public async Task Secrets_ThatTheProvisionerMayRead_AreThoseThatAreNamed()
    {
        var roles = (await ChartRenderer.ModelsAsync<V1Role>(ValueSets.Zfs)).Where(role => role.Rules.Any(rule => rule.Resources.Contains("secrets"))).ToList();
        var bindings = (await ChartRenderer.ModelsAsync<V1RoleBinding>(ValueSets.Zfs)).ToLookup(binding => (binding.Metadata.NamespaceProperty, binding.RoleRef.Name));

        Assert.Equal([("lamina-keys", "lamina-zfs-key"), ("shop", "other")], roles.Select(role => (role.Metadata.NamespaceProperty, role.Rules.Single().ResourceNames.Single())).Order());
        Assert.All(roles, role =>
        {
            var subject = bindings[(role.Metadata.NamespaceProperty, role.Metadata.Name)].Single().Subjects.Single();
            Assert.Equal(("ServiceAccount", "lamina", "lamina"), (subject.Kind, subject.Name, subject.NamespaceProperty));
        });
    }

    [Theory]
    [InlineData("rbac.yaml")]
    [InlineData("rbac-daemon.yaml")]
    public async Task EveryRule_OfTheRoles_IsUnderACommentThatSaysWhy(string file)
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(ChartRenderer.Chart, "templates", file), TestContext.Current.CancellationToken);
        var commented = false;
        foreach (var line in lines.Select(line => line.Trim()).Where(line => !line.StartsWith("{{", StringComparison.Ordinal)))
        {
            // Rules that follow each other share what is said above the first.
            if (line.StartsWith("- apiGroups:", StringComparison.Ordinal))
                Assert.True(commented, $"no comment above {line}");
            commented = line.StartsWith('#') || (commented && !line.StartsWith("rules:", StringComparison.Ordinal) && line != "---");
        }
    }

    [Theory]
    [InlineData("pools: { a: { backend: overlay2, path: /var/lib/kubelet/x } }", "/var/lib/kubelet")]
    [InlineData("pools: { a: { backend: btrfs, path: /srv/a, image: /var/lib/a.img } }", "/var/lib/kubelet")]
    [InlineData("pools: { a: { backend: btrfs, path: /srv/a, image: /a.img } }", "/var/lib/kubelet")]
    [InlineData("pools: { a: { backend: overlay2, path: /a } }", "/var/lib/kubelet")]
    [InlineData("pools: { a: { backend: overlay2, path: /var/lib/a } }", "/var/lib/kubelet")]
    [InlineData("configDir: /var/lib/lamina/etc", "configDir")]
    [InlineData("configDir: /var", "configDir")]
    [InlineData("bindRoots: [/run]", "/run/lamina")]
    [InlineData("snapshots: { groups: true }", "singleNode")]
    [InlineData("{ singleNode: true, snapshots: { groups: true }, sidecars: { snapshotter: { tag: v8.5.1 } } }", "v8.6")]
    [InlineData("{ singleNode: true, snapshots: { groupClasses: [{ name: a }] } }", "snapshots.groups")]
    [InlineData("pools: { a: { backend: overlay2, path: /host/proc/a } }", "/host")]
    public async Task Values_ThatCantWorkTogether_AreRefused(string values, string named) =>
        Assert.Contains(named, await ChartRenderer.RefusalAsync(values), StringComparison.Ordinal);

    [Theory]
    [InlineData("v8.6.0")]
    [InlineData("v8.10.0")]
    [InlineData("v10.0.0")]
    public async Task Groups_WithALaterSnapshotter_AreThere(string tag) =>
        Assert.NotEmpty(await ChartRenderer.ObjectsAsync($"{{ singleNode: true, snapshots: {{ groups: true }}, sidecars: {{ snapshotter: {{ tag: {tag} }} }} }}"));

    [Fact]
    public async Task Groups_WithTheSidecarsOfOlderClusters_AreRefused() =>
        Assert.Contains("v8.6", await ChartRenderer.RefusalAsync($"{ValueSets.OlderKubernetes}\nsingleNode: true\nsnapshots: {{ groups: true }}"), StringComparison.Ordinal);
}
