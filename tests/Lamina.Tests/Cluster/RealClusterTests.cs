using Lamina.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>With the cluster that KUBECONFIG names, in a namespace of its own that goes in the end.</summary>
public sealed class RealClusterTests : ClusterSpecification
{
    private protected override Task<ClusterScene> StartAsync(params string[] arguments)
    {
        Assert.SkipWhen(TestSettings.Kubeconfig is null, "needs a real cluster: KUBECONFIG=... make test-cluster");
        return ClusterScene.StartAsync(null, arguments);
    }
}
