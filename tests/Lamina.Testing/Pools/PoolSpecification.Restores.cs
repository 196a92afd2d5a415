using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Going back to a snapshot in place.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Snapshots)]
    public Task RestoreInPlace_OfADirectory_HasTheSnapshotsContentAndHarmsNobody() => RestoresInPlaceAsync(Scratch.NewVolume("a", ByteSize.FromMebibytes(8)));

    [PoolFact(PoolTraits.Snapshots | PoolTraits.Images)]
    public Task RestoreInPlace_OfAFilesystem_HasTheSnapshotsContentAndHarmsNobody() =>
        RestoresInPlaceAsync(Scratch.NewVolume("a", ByteSize.FromMebibytes(32)) with { FileSystem = VolumeFileSystem.Ext4, Parameters = VolumeParameters.None });

    [PoolFact(PoolTraits.Snapshots)]
    public async Task RestoreInPlace_OfWhatIsMounted_IsRefusedAndChangesNothing()
    {
        var volume = await Scratch.CreateAsync("a");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        var mounted = await Scratch.AttachAsync(volume);
        File.WriteAllText(mounted.At("file"), "now");

        var refused = await AssertRefusedAsync(StorageError.FailedPrecondition, () => Pool.RestoreVolumeAsync(volume, snapshot));
        Assert.True(refused.ChangedNothing, refused.Message);

        await Scratch.DetachAsync(volume);
        Assert.Equal("now", await Scratch.ReadAsync(volume, "file"));
    }

    private async Task RestoresInPlaceAsync(Volume wanted)
    {
        Assert.True(Pool.Description.Features.HasFlag(PoolFeatures.RestoresInPlace));
        var volume = await Scratch.CreateAsync(wanted, new VolumeContent.Empty());
        await Scratch.WriteAsync(volume, "file", "then");
        var then = await Scratch.SnapshotAsync(volume, "then");
        await Scratch.WriteAsync(volume, "file", "now");
        await Scratch.WriteAsync(volume, "other", "now");
        var before = await Scratch.SnapshotAsync(volume, "before");
        var clone = await Scratch.RestoreAsync(before, "clone");

        await Pool.RestoreVolumeAsync(volume, then);
        var contents = await Scratch.ReopenAsync();

        AssertSame([volume, clone], contents.Volumes);
        Assert.Equal("then", await Scratch.ReadAsync(volume, "file"));
        Assert.Null(await Scratch.ReadAsync(volume, "other"));
        Assert.Equal("now", await Scratch.ReadAsync(clone, "file"));
        await Scratch.WriteAsync(volume, "file", "after");

        // And back again, and to where it was restored to before.
        await Pool.RestoreVolumeAsync(volume, before);
        Assert.Equal("now", await Scratch.ReadAsync(volume, "other"));
        await Pool.RestoreVolumeAsync(volume, then);
        await Pool.DeleteSnapshotAsync(then);
        await Pool.DeleteSnapshotAsync(before);
        Assert.Equal("then", await Scratch.ReadAsync(volume, "file"));
        await Pool.DeleteVolumeAsync(volume);
        Assert.Equal("now", await Scratch.ReadAsync(clone, "other"));
        await Pool.DeleteVolumeAsync(clone);
        if (Scratch.Directory is not null)
            await TrashEmptiesAsync();
    }
}
