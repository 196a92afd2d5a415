using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Volumes: made, used, resized.</content>
public abstract partial class PoolSpecification
{
    [Fact]
    public async Task Volume_Created_IsLoadedWithItsWholeRecord()
    {
        var isBind = Pool.Description.Features.HasFlag(PoolFeatures.HostDirectories);
        var volume = Scratch.NewVolume("Name with spaces, ümlaut & 🦋", isBind ? null : ByteSize.FromMebibytes(64)) with
        {
            Labels = ImmutableSortedDictionary<string, string>.Empty.Add("claim", "data-0").Add("namespace", "prod"),
        };
        await Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());

        var contents = await Scratch.ReopenAsync();

        AssertSame([volume], contents.Volumes);
        Assert.Empty(contents.Unreadable);
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Volume_New_IsEmptyAndRootsAnd0755()
    {
        var volume = await Scratch.CreateAsync("a");

        await Scratch.UseAsync(volume, mounted =>
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(mounted.Path));
            AssertRoot(mounted, 0, 0, 0x1ED);
        });
    }

    [PoolFact(PoolTraits.RootOwnership)]
    public async Task Volume_WithRootParameters_HasThem()
    {
        var volume = Scratch.NewVolume("a") with { Parameters = VolumeParameters.None with { Uid = 1000, Gid = 2000, Mode = 0x5F8 } };
        await Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());

        await Scratch.UseAsync(volume, mounted => AssertRoot(mounted, 1000, 2000, 0x5F8));
        await Scratch.ReopenAsync();
        await Scratch.UseAsync(volume, mounted => AssertRoot(mounted, 1000, 2000, 0x5F8));
    }

    [Fact]
    public async Task Volume_AttachedAgain_HasItsFiles()
    {
        var volume = await Scratch.CreateAsync("a");

        await Scratch.WriteAsync(volume, "file", "one");
        Assert.Equal("one", await Scratch.ReadAsync(volume, "file"));
        await Scratch.WriteAsync(volume, "file", "two");

        Assert.Equal("two", await Scratch.ReadAsync(volume, "file"));
    }

    [Fact]
    public async Task Volume_Reopened_HasItsFilesWithAllTheirAttributes()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.UseAsync(volume, mounted =>
        {
            Directory.CreateDirectory(mounted.At("dir/inner"));
            File.WriteAllText(mounted.At("dir/inner/file"), "content");
            File.CreateSymbolicLink(mounted.At("link"), "dir/inner/file");
            using var directory = Files.OpenDirectory(mounted.At("dir/inner"));
            Files.ChangeOwner(directory, "file", 12, 34);
            Files.ChangeMode(directory, "file", 0x9A4);
            if (Scratch.HasExtendedAttributes)
                ExtendedAttributes.Set(directory, "file", "user.color", "blue"u8);
            Files.Link(directory, "file", directory, "second name");
        });

        await Scratch.ReopenAsync();

        await Scratch.UseAsync(volume, mounted =>
        {
            Assert.Equal("content", File.ReadAllText(mounted.At("link")));
            using var directory = Files.OpenDirectory(mounted.At("dir/inner"));
            var status = Files.StatAt(directory, "file");
            Assert.Equal((12u, 34u, 0x9A4u, 2u), (status.Uid, status.Gid, status.Mode, status.Links));
            if (Scratch.HasExtendedAttributes)
                Assert.Equal("blue"u8.ToArray(), ExtendedAttributes.Get(directory, "file", "user.color"));
        });
    }

    [Fact]
    public async Task Volume_AttachedWhenTheDaemonRestarts_GoesOn()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        using (var open = File.CreateText(mounted.At("file")))
        {
            open.Write("before, ");
            await Scratch.ReopenAsync();
            open.Write("after");
        }
        await Scratch.DetachAsync(volume);

        Assert.Equal("before, after", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Volume_Resized_KeepsItsNewSizeAndItsFiles()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(64));
        await Scratch.WriteAsync(volume, "file", "content");
        var resized = volume with { Size = ByteSize.FromMebibytes(96) };

        await Pool.ResizeVolumeAsync(resized);
        var contents = await Scratch.ReopenAsync();

        AssertSame([resized], contents.Volumes);
        Assert.Equal("content", await Scratch.ReadAsync(resized, "file"));
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Volume_ResizedWhileAttached_KeepsItsNewSize()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(64));
        var resized = volume with { Size = ByteSize.FromMebibytes(96) };

        await Scratch.AttachAsync(volume);
        await Pool.ResizeVolumeAsync(resized);
        await Scratch.DetachAsync(resized);

        AssertSame([resized], (await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.OwnData)]
    public async Task Usage_IsTheVolumesOwnOrUnknown()
    {
        var (large, small) = (await Scratch.CreateAsync("large"), await Scratch.CreateAsync("small"));
        await Scratch.UseAsync(large, mounted => Fill(mounted.At("file"), 48));
        await Scratch.UseAsync(small, mounted => Fill(mounted.At("file"), 4));

        Assert.True(Pool.GetUsage(small) is not { } usage || usage.Used.Bytes < 24 << 20);
        Assert.True(Pool.GetUsage(large) is not { } other || other.Used.Bytes < 64 << 20);
    }

    private static void AssertRoot(MountedVolume mounted, uint uid, uint gid, uint mode)
    {
        var status = Files.Stat(mounted.Path);
        Assert.Equal((uid, gid, Convert.ToString(mode, 8)), (status.Uid, status.Gid, Convert.ToString(status.Mode, 8)));
    }
}
