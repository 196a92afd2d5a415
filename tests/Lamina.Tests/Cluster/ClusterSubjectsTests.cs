using Lamina.Cluster;
using Lamina.Storage;

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

    // A volume goes on under another claim, and another claim comes to its old one's name.
    [Fact]
    public void Claim_OfAVolume_IsWhatItIsBoundTo_AndItsLabelsOnlyWhileNobodyKnows()
    {
        var (pool, index) = (PoolId.NewRandom(), new PersistentVolumeIndex());
        var subjects = new ClusterSubjects(index, NoPools.Options());
        var volume = NoPools.Volume(pool, "data", ("csi.storage.k8s.io/pvc/namespace", "shop"), ("csi.storage.k8s.io/pvc/name", "first"));

        Assert.Equal(ClusterObject.Claim("shop", "first", null), subjects.Of(volume));
        index.View = new PersistentVolumeView(0, [], []);
        Assert.Equal(ClusterObject.Claim("shop", "first", null), subjects.Of(volume));
        index.View = new PersistentVolumeView(0, [pool], []);
        Assert.Null(subjects.Of(volume));
        index.View = index.View.With(new PersistentVolumeEntry("pv", "1", volume.Id, ClusterObject.Claim("shop", "second", "2"), false));
        Assert.Equal(ClusterObject.Claim("shop", "second", "2"), subjects.Of(volume));
        index.View = index.View.With(new PersistentVolumeEntry("pv", "1", volume.Id, null, false));
        Assert.Null(subjects.Of(volume));
    }

    [Fact]
    public void Claim_WithoutLabels_IsNone() => Assert.Null(ClusterSubjects.ClaimOf(new Dictionary<string, string>()));
}
