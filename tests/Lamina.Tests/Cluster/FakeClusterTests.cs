namespace Lamina.Tests.Cluster;

/// <summary>With a fake API server, which lets the daemon do what the shipped roles allow.</summary>
public sealed class FakeClusterTests : ClusterSpecification
{
    private protected override async Task<ClusterScene> StartAsync(params string[] arguments) => await ClusterScene.StartAsync(await FakeApiServer.StartAsync(), arguments);
}
