using Lamina.Cluster;

namespace Lamina.Tests.Cluster;

public sealed class ClusterSubjectsTests
{
    [Theory]
    [InlineData("shop", "data-0", true)]
    [InlineData("shop", "data.0", true)]
    [InlineData("shop", "../../../secrets/token", false)]
    [InlineData("..", "data", false)]
    [InlineData("shop", "", false)]
    [InlineData("", "data", false)]
    [InlineData("shop", "data?x=1", false)]
    public void Claim_OfLabels_IsOneThatCanBe(string @namespace, string name, bool isClaim)
    {
        var labels = new Dictionary<string, string> { ["csi.storage.k8s.io/pvc/namespace"] = @namespace, ["csi.storage.k8s.io/pvc/name"] = name };

        Assert.Equal(isClaim ? ClusterObject.Claim(@namespace, name, null) : null, ClusterSubjects.ClaimOf(labels));
    }

    [Fact]
    public void Claim_WithoutLabels_IsNone() => Assert.Null(ClusterSubjects.ClaimOf(new Dictionary<string, string>()));
}
