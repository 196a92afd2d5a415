using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Deletes.</content>
public abstract partial class PoolSpecification
{
    [Fact]
    public async Task Volume_Deleted_IsGoneForGood()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");

        await Pool.DeleteVolumeAsync(volume);

        Assert.Empty((await Scratch.ReopenAsync()).Volumes);
        Assert.Empty((await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Volume_MadeAgainUnderTheSameKey_IsEmpty()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");
        await Pool.DeleteVolumeAsync(volume);

        volume = await Scratch.CreateAsync("a");

        Assert.Null(await Scratch.ReadAsync(volume, "file"));
    }

    [Fact]
    public async Task Volume_Deleted_LeavesTheOthers()
    {
        var first = await Scratch.CreateAsync("a");
        var second = await Scratch.CreateAsync("a-b");
        await Scratch.WriteAsync(second, "file", "content");

        await Pool.DeleteVolumeAsync(first);

        AssertSame([second], (await Scratch.ReopenAsync()).Volumes);
        Assert.Equal("content", await Scratch.ReadAsync(second, "file"));
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Delete_WhileMounted_IsRefusedAndHarmless()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        File.WriteAllText(mounted.At("file"), "content");

        await AssertRefusedAsync(StorageError.FailedPrecondition, () => Pool.DeleteVolumeAsync(volume));

        File.AppendAllText(mounted.At("file"), " and more");
        await Scratch.DetachAsync(volume);
        AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
        Assert.Equal("content and more", await Scratch.ReadAsync(volume, "file"));
        await Pool.DeleteVolumeAsync(volume);
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Delete_WhileMountedInAnotherMountNamespace_IsRefused()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        using (OtherMountNamespace.Hold(mounted.Path))
        {
            await Scratch.DetachAsync(volume);

            await AssertRefusedAsync(StorageError.FailedPrecondition, () => Pool.DeleteVolumeAsync(volume));
        }

        await Pool.DeleteVolumeAsync(volume);
        Assert.Empty((await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.OwnSpace)]
    public async Task Delete_OfWhatWasWritten_GivesTheSpaceBack()
    {
        WaitForSpace();
        var before = Pool.GetCapacity().Available.Bytes;
        var volume = await Scratch.CreateAsync("a");
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 32));
        // A Btrfs counts what was written with its next commit.
        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes < before - (24 << 20), "the space is taken");

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes > before - (8 << 20), "the space comes back");
    }
}
