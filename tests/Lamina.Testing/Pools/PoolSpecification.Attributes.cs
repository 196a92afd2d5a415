using Lamina.Linux;
using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>What can be changed of a volume.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Compression)]
    public async Task Volume_Modified_KeepsItsNewAttributesAndItsFiles()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");
        var modified = volume with { Attributes = new VolumeAttributes { Compression = Scratch.SomeCompression } };

        await Pool.ModifyVolumeAsync(modified);
        await Pool.ModifyVolumeAsync(modified);

        AssertSame([modified], (await Scratch.ReopenAsync()).Volumes);
        Assert.Equal("content", await Scratch.ReadAsync(modified, "file"));
    }

    [PoolFact(PoolTraits.Compression | PoolTraits.CompressionPerFile)]
    public async Task Volume_ModifiedWhileAttached_HasItInEveryFileAndDirectoryAndInNewOnes()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        Directory.CreateDirectory(mounted.At("a/b"));
        File.WriteAllText(mounted.At("a/b/file"), "content");
        File.CreateSymbolicLink(mounted.At("a/link"), "/etc/passwd");

        volume = volume with { Attributes = new VolumeAttributes { Compression = "zstd" } };
        await Pool.ModifyVolumeAsync(volume);
        File.WriteAllText(mounted.At("a/b/new"), "content");

        foreach (var name in (string[])["", "a", "a/b", "a/b/file", "a/b/new"])
            Assert.Equal("zstd", CompressionOf(mounted.At(name)));
        await Pool.ModifyVolumeAsync(volume with { Attributes = new VolumeAttributes { Compression = "none" } });
        Assert.Equal("none", CompressionOf(mounted.At("a/b/file")));
        await Scratch.DetachAsync(volume);
    }

    private static string? CompressionOf(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        return Btrfs.GetCompression(file);
    }
}
