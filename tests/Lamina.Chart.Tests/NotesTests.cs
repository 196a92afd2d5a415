namespace Lamina.Chart.Tests;

/// <summary>What a person is told after an install.</summary>
public sealed class NotesTests
{
    private const string Current = "v1.36.1";

    [Fact]
    public async Task Pools_ThatAreConfigured_AreToBeMade()
    {
        var notes = await ChartRenderer.NotesAsync(ValueSets.Pools, Current);

        Assert.Contains("lamina pool init fast\n", notes, StringComparison.Ordinal);
        Assert.Contains("lamina pool init image --image-size SIZE\n", notes, StringComparison.Ordinal);
        Assert.DoesNotContain("pools/default", notes, StringComparison.Ordinal);
        Assert.Contains("/var/lib/lamina/pools/default", await ChartRenderer.NotesAsync(ValueSets.Default, Current), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Snapshots_NeedWhatTheClusterMustHave()
    {
        const string distributed = "--enable-distributed-snapshotting";
        const string groups = "--feature-gates=CSIVolumeGroupSnapshot=true";

        Assert.Contains(distributed, await ChartRenderer.NotesAsync(ValueSets.Default, Current), StringComparison.Ordinal);
        Assert.Contains("get, list and watch nodes", await ChartRenderer.NotesAsync(ValueSets.Default, Current), StringComparison.Ordinal);
        Assert.DoesNotContain(distributed, await ChartRenderer.NotesAsync(ValueSets.SingleNode, Current), StringComparison.Ordinal);
        Assert.Contains(groups, await ChartRenderer.NotesAsync(ValueSets.SingleNode, Current), StringComparison.Ordinal);
        Assert.DoesNotContain("snapshot-controller", await ChartRenderer.NotesAsync(ValueSets.WithoutSnapshots, Current), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1.33.9", true)]
    [InlineData("v1.34.0", false)]
    [InlineData("v1.34.0-rc.1", false)]
    [InlineData("v1.37.0", false)]
    public async Task Sidecars_ThatAreTooNewForTheCluster_AreNamed(string kubernetes, bool isTooOld)
    {
        Assert.Equal(isTooOld, (await ChartRenderer.NotesAsync(ValueSets.Default, kubernetes)).Contains("values-kubernetes-1.27.yaml", StringComparison.Ordinal));
        Assert.DoesNotContain("values-kubernetes-1.27.yaml", await ChartRenderer.NotesAsync(ValueSets.OlderKubernetes, kubernetes), StringComparison.Ordinal);
    }
}
