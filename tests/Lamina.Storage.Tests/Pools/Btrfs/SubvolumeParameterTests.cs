using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>The parameters <c>compression</c> and <c>copyOnWrite</c>, by what lies on the disk.</summary>
[Collection<BtrfsCollection>]
public sealed class SubvolumeParameterTests(BtrfsFileSystem fileSystem) : IAsyncLifetime
{
    private DirectoryScratchPool _pool = null!;

    public async ValueTask InitializeAsync() => _pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, fileSystem.NewDirectory("pool"));

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    [Theory]
    [InlineData("zstd")]
    [InlineData("zlib")]
    [InlineData("lzo")]
    public async Task Compression_OfAVolume_CompressesWhatIsWrittenAndIsInherited(string algorithm)
    {
        var volume = await CreateAsync("a", VolumeParameters.None with { Compression = algorithm });
        await _pool.UseAsync(volume, mounted => AssertCompresses(mounted, algorithm, "file"));

        var restored = await _pool.RestoreAsync(await _pool.SnapshotAsync(volume, "s"), "b");
        var clone = await _pool.CloneAsync(restored, "c");

        foreach (var copy in (Volume[])[restored, clone])
        {
            await _pool.UseAsync(copy, mounted =>
            {
                Assert.True(IsCompressed(mounted.At("file")));
                AssertCompresses(mounted, algorithm, "written later");
            });
        }
    }

    [Fact]
    public async Task Compression_NotAskedFor_IsNone()
    {
        var volume = await _pool.CreateAsync("a");

        await _pool.UseAsync(volume, mounted =>
        {
            WriteCompressible(mounted.At("file"));
            Assert.False(IsCompressed(mounted.At("file")));
        });
    }

    [Fact]
    public async Task Compression_AskedOfACopyAlone_IsTheCopys()
    {
        var volume = await _pool.CreateAsync("a");
        await _pool.UseAsync(volume, mounted => WriteCompressible(mounted.At("old")));
        var request = _pool.NewVolume("b", source: VolumeSource.From(volume.Id)) with { Parameters = VolumeParameters.None with { Compression = "zstd" } };

        var copy = await _pool.CreateAsync(request, new VolumeContent.OfVolume(_pool.InUse(volume)));

        await _pool.UseAsync(copy, mounted =>
        {
            Assert.False(IsCompressed(mounted.At("old")));
            AssertCompresses(mounted, "zstd", "new");
        });
        await _pool.UseAsync(volume, mounted =>
        {
            WriteCompressible(mounted.At("new"));
            Assert.False(IsCompressed(mounted.At("new")));
        });
    }

    [Fact]
    public async Task CopyOnWriteOff_OfAVolume_KeepsFilesInPlaceAndIsInherited()
    {
        var volume = await CreateAsync("a", VolumeParameters.None with { CopyOnWrite = false });
        await _pool.UseAsync(volume, mounted => AssertInPlace(mounted, "file"));

        var restored = await _pool.RestoreAsync(await _pool.SnapshotAsync(volume, "s"), "b");
        var clone = await _pool.CloneAsync(restored, "c");

        foreach (var copy in (Volume[])[restored, clone])
        {
            await _pool.UseAsync(copy, mounted =>
            {
                Assert.True(Quotas.IsWhole(mounted.At("file"), 1, seed: 2));
                AssertInPlace(mounted, "written later");
            });
        }
    }

    [Fact]
    public async Task CopyOnWrite_NotAskedFor_MovesWhatIsRewritten()
    {
        var volume = await _pool.CreateAsync("a");

        await _pool.UseAsync(volume, mounted => Assert.False(StaysInPlace(mounted.At("file"))));
    }

    [Theory]
    [InlineData(true, null, "'copyOnWrite' can't be true")]
    [InlineData(null, "zstd", "leave 'compression' out")]
    public async Task Copy_OfFilesInPlace_CanNotBeOtherwise(bool? copyOnWrite, string? compression, string message)
    {
        var volume = await CreateAsync("a", VolumeParameters.None with { CopyOnWrite = false });
        var parameters = VolumeParameters.None with { CopyOnWrite = copyOnWrite, Compression = compression };
        var request = _pool.NewVolume("b", source: VolumeSource.From(volume.Id)) with { Parameters = parameters };

        var refused = await Assert.ThrowsAsync<StorageException>(() => _pool.CreateAsync(request, new VolumeContent.OfVolume(_pool.InUse(volume))));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_InPlaceAndCompressed_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<StorageException>(() => CreateAsync("a", VolumeParameters.None with { CopyOnWrite = false, Compression = "zstd" }));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.Contains("leave out either", refused.Message, StringComparison.Ordinal);
    }

    private Task<Volume> CreateAsync(string name, VolumeParameters parameters) =>
        _pool.CreateAsync(_pool.NewVolume(name) with { Parameters = parameters }, new VolumeContent.Empty());

    private static void AssertCompresses(MountedVolume mounted, string algorithm, string name)
    {
        using (var root = Files.OpenDirectory(mounted.Path))
            Assert.Equal(algorithm, Linux.Btrfs.GetCompression(root));
        Directory.CreateDirectory(mounted.At("sub"));
        foreach (var path in (string[])[name, $"sub/{name}"])
        {
            WriteCompressible(mounted.At(path));
            Assert.True(IsCompressed(mounted.At(path)), $"{path} is compressed");
        }
    }

    private static void AssertInPlace(MountedVolume mounted, string name)
    {
        using (var root = Files.OpenDirectory(mounted.Path))
            Assert.True(Files.IsNoCopyOnWrite(root));
        Assert.True(StaysInPlace(mounted.At(name)));
        using var file = Files.Open(mounted.At(name), OpenFlags.ReadOnly);
        Assert.True(Files.IsNoCopyOnWrite(file));
    }

    // Where its blocks are before and after a rewrite; what another one shares is moved all the same.
    private static bool StaysInPlace(string path)
    {
        Quotas.Write(path, 1);
        var before = Places(path);
        Quotas.Write(path, 1, seed: 2);
        return before.SequenceEqual(Places(path));
    }

    private static List<(long, ulong)> Places(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        return [.. Fiemap.Map(file, sync: true).Select(extent => (extent.Offset, extent.Physical))];
    }

    private static void WriteCompressible(string path)
    {
        // Not by File.WriteAllText: it allocates the blocks first, and Btrfs compresses none that exist.
        using var file = Files.Open(path, OpenFlags.WriteOnly | OpenFlags.Create, 0x1A4);
        Files.WriteAll(file, 0, "the same again and again "u8.ToArray().SelectMany(letter => Enumerable.Repeat(letter, 40_000)).ToArray());
        Files.Flush(file);
    }

    private static bool IsCompressed(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        return Fiemap.Map(file, sync: true).All(extent => extent.Flags.HasFlag(PhysicalExtentFlags.Encoded));
    }
}
