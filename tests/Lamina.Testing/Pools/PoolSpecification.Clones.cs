using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Clones.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Snapshots)]
    public async Task Clone_AndItsSource_ChangeByThemselves()
    {
        var source = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(source, "file", "then");

        var clone = await Scratch.CloneAsync(source, "b");
        await Scratch.WriteAsync(clone, "file", "clone");
        await Scratch.WriteAsync(source, "other", "source");

        Assert.Equal("then", await Scratch.ReadAsync(source, "file"));
        Assert.Equal("clone", await Scratch.ReadAsync(clone, "file"));
        Assert.Null(await Scratch.ReadAsync(clone, "other"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Clone_OfWhatIsInUse_HasWhatWasWrittenBefore()
    {
        var source = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(source);
        File.WriteAllText(mounted.At("file"), "then");

        var clone = await Scratch.CloneAsync(source, "b");
        File.WriteAllText(mounted.At("file"), "now");
        await Scratch.DetachAsync(source);

        Assert.Equal("then", await Scratch.ReadAsync(clone, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Clone_SourceDeleted_IsAsBefore()
    {
        var source = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(source, "file", "then");
        var clone = await Scratch.CloneAsync(source, "b");

        await Pool.DeleteVolumeAsync(source);
        var contents = await Scratch.ReopenAsync();

        AssertSame([clone], contents.Volumes);
        Assert.Equal("then", await Scratch.ReadAsync(clone, "file"));
    }
}
