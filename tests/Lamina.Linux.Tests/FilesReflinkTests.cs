using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<XfsCollection>]
public sealed class FilesReflinkTests(XfsFileSystem fileSystem) : IDisposable
{
    private const int Block = 4096;

    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());
    private readonly ScratchDirectory _elsewhere = new();

    public void Dispose()
    {
        _scratch.Dispose();
        _elsewhere.Dispose();
    }

    [Fact]
    public void TryReflink_SameFileSystem_SharesUntilOneIsWritten()
    {
        using var source = _scratch.Create("source", Content(100 * Block));
        using var target = _scratch.Create("target");

        Assert.True(Files.TryReflink(source, target));

        Assert.All(Fiemap.Map(target, sync: true), extent => Assert.True(extent.Flags.HasFlag(PhysicalExtentFlags.Shared)));
        Files.WriteAll(target, 0, "changed"u8);
        Assert.Equal(Content(100 * Block), Files.ReadAll(source));
        Assert.Equal("changed"u8, Files.ReadAll(target).AsSpan(0, 7));
    }

    [Fact]
    public void TryReflink_OtherFileSystem_False()
    {
        using var source = _scratch.Create("source", Content(Block));
        using var target = _elsewhere.Create("target");

        Assert.False(Files.TryReflink(source, target));
    }

    [Fact]
    public void TryReflinkRange_Aligned_SharesThatRange()
    {
        using var source = _scratch.Create("source", Content(4 * Block));
        using var target = _scratch.Create("target", new byte[4 * Block]);

        Assert.True(Files.TryReflinkRange(source, Block, target, 2 * Block, Block));

        var expected = new byte[4 * Block];
        Content(4 * Block).AsSpan(Block, Block).CopyTo(expected.AsSpan(2 * Block));
        Assert.Equal(expected, Files.ReadAll(target));
    }

    [Fact]
    public void TryReflinkRange_NotAligned_False()
    {
        using var source = _scratch.Create("source", Content(4 * Block));
        using var target = _scratch.Create("target", new byte[4 * Block]);

        Assert.False(Files.TryReflinkRange(source, 1, target, 0, Block));
    }

    [Fact]
    public void CopyRange_InSteps_CopiesAllAndEndsWithZero()
    {
        var content = Content(3 * Block + 17);
        using var source = _scratch.Create("source", content);
        using var target = _scratch.Create("target");

        var done = 0L;
        long copied;
        while ((copied = Files.CopyRange(source, done, target, done, 2 * Block)) > 0)
            done += copied;

        Assert.Equal(content.Length, done);
        Assert.Equal(content, Files.ReadAll(target));
    }

    [Fact]
    public void DataExtents_SparseFile_OnlyTheWrittenRanges()
    {
        using var file = _scratch.Create("file");
        Files.SetLength(file, 64 << 20);
        Files.WriteAll(file, 8 << 20, Content(Block));
        Files.WriteAll(file, 40 << 20, Content(2 * Block));
        Files.Flush(file);

        var extents = Files.DataExtents(file, 64 << 20).ToList();

        // Filesystems allocate ahead, so the ranges may be longer than what was written, but hardly a megabyte.
        Assert.Equal([8 << 20, 40 << 20], extents.Select(extent => extent.Offset));
        Assert.All(extents, extent => Assert.InRange(extent.Length, Block, 1 << 20));
    }

    [Fact]
    public void DataExtents_Length_CutsTheLastRange()
    {
        using var file = _scratch.Create("file", Content(10 * Block));

        Assert.Equal([new Extent(0, 3 * Block)], Files.DataExtents(file, 3 * Block));
    }

    [Fact]
    public void DataExtents_AllHole_None()
    {
        using var file = _scratch.Create("file");
        Files.SetLength(file, 1 << 20);

        Assert.Empty(Files.DataExtents(file, 1 << 20));
    }

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        new Random(7).NextBytes(content);
        return content;
    }
}
