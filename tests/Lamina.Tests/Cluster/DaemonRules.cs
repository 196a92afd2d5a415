using k8s;
using k8s.Models;

namespace Lamina.Tests.Cluster;

/// <summary>What <c>deploy/kubernetes/lamina.yaml</c> allows the daemon, as an API server would go by it.</summary>
internal sealed class DaemonRules
{
    private readonly List<(string? Namespace, V1PolicyRule Rule)> _rules = [];

    internal DaemonRules()
    {
        foreach (var document in File.ReadAllText(Repository.PathOf("deploy/kubernetes/lamina.yaml")).Split("\n---\n"))
        {
            if (document.Contains("\nkind: ClusterRole\n", StringComparison.Ordinal) && KubernetesYaml.Deserialize<V1ClusterRole>(document) is { Metadata.Name: "lamina-daemon" } cluster)
                _rules.AddRange(cluster.Rules.Select(rule => ((string?)null, rule)));
            if (document.Contains("\nkind: Role\n", StringComparison.Ordinal) && KubernetesYaml.Deserialize<V1Role>(document) is { Metadata.Name: "lamina-daemon" } role)
                _rules.AddRange(role.Rules.Select(rule => ((string?)role.Metadata.NamespaceProperty, rule)));
        }
        Assert.True(_rules.Count >= 5, "the manifests have no rules for the daemon");
    }

    /// <summary>All that is allowed, one verb of one resource each.</summary>
    internal IEnumerable<string> All => from entry in _rules from resource in entry.Rule.Resources from verb in entry.Rule.Verbs select $"{verb} {resource}";

    /// <summary>Those that hold everywhere.</summary>
    internal IEnumerable<V1PolicyRule> OfTheCluster => _rules.Where(entry => entry.Namespace is null).Select(entry => entry.Rule);

    /// <summary>Those that hold in the daemon's namespace.</summary>
    internal IEnumerable<V1PolicyRule> OfTheNamespace => _rules.Where(entry => entry.Namespace is not null).Select(entry => entry.Rule);

    internal bool Allow(ApiRequest request) => _rules.Exists(entry =>
        (entry.Namespace is null || entry.Namespace == request.Namespace)
        && entry.Rule.ApiGroups.Contains(request.Group) && entry.Rule.Resources.Contains(request.Resource) && entry.Rule.Verbs.Contains(request.Verb)
        && (entry.Rule.ResourceNames is not { Count: > 0 } names || names.Contains(request.Name)));
}
