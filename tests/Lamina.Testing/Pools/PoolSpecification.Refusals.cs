using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>What a pool has not: asked for it all the same, it refuses and changes nothing.</content>
public abstract partial class PoolSpecification
{
    [Fact]
    public void Pool_HasWhatItsTestsSay()
    {
        var description = Pool.Description;
        var isCompressed = description.MutableAttributes.Contains(VolumeAttributes.CompressionKey);
        (PoolTraits Trait, bool Has)[] all =
        [
            (PoolTraits.Snapshots, description.Features.HasFlag(PoolFeatures.Snapshots)),
            (PoolTraits.HardLimits, description.Features.HasFlag(PoolFeatures.HardLimits)),
            (PoolTraits.RootOwnership, description.Features.HasFlag(PoolFeatures.RootOwnership)),
            (PoolTraits.OwnData, !description.Features.HasFlag(PoolFeatures.HostDirectories)),
            (PoolTraits.Directory, Scratch.Directory is not null),
            (PoolTraits.OwnSpace, Scratch.HasSpaceOfItsOwn),
            (PoolTraits.Images, description.Features.HasFlag(PoolFeatures.BlockVolumes)),
            (PoolTraits.Compression, isCompressed),
            (PoolTraits.CompressionPerFile, isCompressed && description.FileSystem == "btrfs"),
        ];

        var has = all.Where(one => one.Has).Aggregate(PoolTraits.None, (sum, one) => sum | one.Trait);

        Assert.Equal(IPoolTest.TraitsOf(GetType()), has);
    }

    [PoolFact(PoolTraits.None, without: PoolTraits.Snapshots)]
    public async Task SnapshotsAndClones_WhereThereAreNone_AreRefused()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");

        await AssertRefusedAsync(StorageError.Unsupported, () => Scratch.SnapshotAsync(volume, "s"));
        await AssertRefusedAsync(StorageError.Unsupported, () => Scratch.CloneAsync(volume, "b"));

        var contents = await Scratch.ReopenAsync();
        AssertSame([volume], contents.Volumes);
        Assert.Empty(contents.Snapshots);
        Assert.Equal("content", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.None, without: PoolTraits.OwnData)]
    public async Task Resize_WhereVolumesHaveNoSize_IsRefused()
    {
        var volume = await Scratch.CreateAsync("a");

        await AssertRefusedAsync(StorageError.Unsupported, () => Pool.ResizeVolumeAsync(volume with { Size = ByteSize.FromMebibytes(64) }));

        AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.None, without: PoolTraits.OwnData)]
    public async Task Volume_DeletedWhereItIsTheHosts_LeavesTheDirectory()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");

        await Pool.DeleteVolumeAsync(volume);

        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(volume.Parameters.Source.ToString()!, "file")));
    }

    [PoolFact(PoolTraits.None, without: PoolTraits.Compression)]
    public async Task Modify_WhereThereIsNoCompression_IsRefused()
    {
        var volume = await Scratch.CreateAsync("a");

        await AssertRefusedAsync(
            StorageError.Unsupported, () => Pool.ModifyVolumeAsync(volume with { Attributes = new VolumeAttributes { Compression = "zstd" } }));

        AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.OwnData, without: PoolTraits.HardLimits)]
    public async Task Size_WhereItIsAdvisory_StopsNobody()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(16));

        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 24));
    }
}
