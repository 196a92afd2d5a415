using k8s.Models;

namespace Lamina.Chart.Tests;

/// <summary>What the daemon itself may do in the cluster. That it is enough and not too much is tested where the daemon speaks with an API server.</summary>
public sealed class DaemonRoleTests
{
    [Fact]
    public async Task Rules_OfTheDaemon_AreTheseAlone() => Assert.Equal(
        [
            "Role lamina configmaps: create patch", "cluster events: create patch", "cluster nodes: get", "cluster persistentvolumeclaims: get", "cluster persistentvolumes: list watch",
            "cluster volumesnapshots: get",
        ], (await RulesAsync(ValueSets.Default)).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Rules_WithoutSnapshots_DoNotReadThem() =>
        Assert.DoesNotContain(await RulesAsync("snapshots: { enabled: false }"), rule => rule.Contains("volumesnapshots", StringComparison.Ordinal));

    [Fact]
    public async Task Rules_WithoutTheCluster_AreNone() => Assert.Empty(await RulesAsync("cluster: { enabled: false }"));

    [Fact]
    public async Task Bindings_OfTheDaemon_AreOfThePodsAccount()
    {
        var account = (await ChartRenderer.ModelsAsync<V1ServiceAccount>(ValueSets.Default)).Single().Metadata;
        var subjects = (await ChartRenderer.ModelsAsync<V1ClusterRoleBinding>(ValueSets.Default)).Where(binding => binding.RoleRef.Name == "lamina-daemon").SelectMany(binding => binding.Subjects)
            .Concat((await ChartRenderer.ModelsAsync<V1RoleBinding>(ValueSets.Default)).Where(binding => binding.RoleRef.Name == "lamina-daemon").SelectMany(binding => binding.Subjects)).ToList();

        Assert.Equal(2, subjects.Count);
        Assert.All(subjects, subject => Assert.Equal(("ServiceAccount", account.Name, account.NamespaceProperty), (subject.Kind, subject.Name, subject.NamespaceProperty)));
    }

    private static async Task<IEnumerable<string>> RulesAsync(string values)
    {
        var cluster = (await ChartRenderer.ModelsAsync<V1ClusterRole>(values)).Where(role => role.Metadata.Name == "lamina-daemon").SelectMany(role => role.Rules).Select(rule => ("cluster", rule));
        var own = (await ChartRenderer.ModelsAsync<V1Role>(values)).Where(role => role.Metadata.Name == "lamina-daemon").SelectMany(role => role.Rules.Select(rule => ($"Role {role.Metadata.NamespaceProperty}", rule)));
        return cluster.Concat(own).Select(rule => $"{rule.Item1} {string.Join(' ', rule.rule.Resources)}: {string.Join(' ', rule.rule.Verbs)}");
    }
}
