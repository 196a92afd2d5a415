using Lamina.Cluster;
using Lamina.Hosting;
using Microsoft.Extensions.Configuration;

namespace Lamina.Tests.Cluster;

public sealed class ClusterOptionsTests
{
    [Theory]
    [InlineData("cluster:kubeconfig", "relative", "relative")]
    [InlineData("cluster:namespace", "Not_One", "cluster:namespace")]
    [InlineData("cluster:interval", "00:00:00", "interval is 00:00:00")]
    [InlineData("cluster:orphanGrace", "-1", "orphanGrace")]
    [InlineData("cluster:enabled", "perhaps", "cluster:enabled is 'perhaps'")]
    [InlineData("cluster:kubeConfigFile", "/a", "unknown key 'cluster:kubeConfigFile'")]
    public void Value_ThatCantBe_IsNamed(string key, string value, string named)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();

        Assert.Contains(named, Assert.Single(Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(configuration)).Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Cluster_WithoutAKubeconfigOrAPod_IsNotThere()
    {
        Assert.False(ClusterPresence.IsThere(new ClusterOptions()));
        Assert.True(ClusterPresence.IsThere(new ClusterOptions { Kubeconfig = "/etc/kubeconfig" }));
        Assert.False(ClusterPresence.IsThere(new ClusterOptions { Kubeconfig = "/etc/kubeconfig", Enabled = false }));
    }

    [Theory]
    [InlineData("csi.lamina.dev", "Node_1.Example", "lamina-pools-node-1.example")]
    [InlineData("second.lamina.dev", "node-1", "second.lamina.dev-pools-node-1")]
    public void ConfigMap_OfADriverAndANode_HasANameThatCanBe(string driver, string node, string name) =>
        Assert.Equal(name, PoolPublisher.NameOf(new LaminaOptions { DriverName = driver, NodeName = node }));
}
