using Lamina.Cluster;
using Lamina.Storage;

namespace Lamina.Tests.Cluster;

public sealed class PersistentVolumeViewTests
{
    private readonly PoolId _pool = PoolId.NewRandom();

    [Fact]
    public void Naming_OfAVolumeThatTwoName_IsOneOfThem_UntilBothAreGone()
    {
        var view = new PersistentVolumeView(0, [_pool], [Entry("a", "data"), Entry("b", "data"), Entry("c", "other")]);

        Assert.Contains(view.Naming(Id("data"))!.Name, (string[])["a", "b"]);
        Assert.Equal("b", view.Without("a").Naming(Id("data"))!.Name);
        Assert.Equal("a", view.Without("b").Naming(Id("data"))!.Name);
        Assert.Null(view.Without("a").Without("b").Naming(Id("data")));
        Assert.Equal("c", view.Without("a").Without("nobody").Naming(Id("other"))!.Name);
    }

    [Fact]
    public void Naming_AfterAChange_IsWhatIsSoNow()
    {
        var view = new PersistentVolumeView(0, [_pool], []).With(Entry("a", "data")).With(Entry("a", "data") with { IsBeingDeleted = true }).With(Entry("b", "other"));

        Assert.True(view.Naming(Id("data"))!.IsBeingDeleted);
        var moved = view.With(Entry("b", "data"));
        Assert.Null(moved.Naming(Id("other")));
        Assert.Equal(["a", "b"], moved.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("a", moved.Without("b").Naming(Id("data"))!.Name);
    }

    private VolumeId Id(string key) => IStorageValue<VolumeId>.Parse($"{_pool}.{key}");

    private PersistentVolumeEntry Entry(string name, string key) => new(name, $"uid of {name}", Id(key), null, false);
}
