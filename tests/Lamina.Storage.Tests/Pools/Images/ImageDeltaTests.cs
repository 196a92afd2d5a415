using System.Text;
using Lamina.Linux;
using Lamina.Storage.Pools.Images;
using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Tests.Pools.Images;

/// <summary>Images whose blocks say nothing by where they lie, and how long it takes with many changed ones.</summary>
[Collection<GroupsCollection>]
public sealed class ImageDeltaTests(XfsFileSystem xfs, BtrfsFileSystem btrfs, Ext4FileSystem ext4, ITestOutputHelper output) : IDisposable
{
    private const int Block = 4096;
    private readonly List<SafeFileHandle> _files = [];

    public static TheoryData<FileSystemKind> Kinds => [FileSystemKind.Xfs, FileSystemKind.Btrfs, FileSystemKind.Ext4];

    public void Dispose() => _files.ForEach(file => file.Dispose());

    [Fact]
    public void ByPlace_OfCompressedExtents_ComparesTheirContent()
    {
        var directory = btrfs.NewDirectory("compressed");
        var older = Create(directory, "older");
        ExtendedAttributes.Set(older, "btrfs.compression", "zstd"u8);
        Files.WriteAll(older, 0, Enumerable.Repeat((byte)'a', 1 << 20).ToArray());
        Files.Flush(older);
        var newer = Reflink(older, directory, "newer");
        // Another one with the same content, and one with another: both lie elsewhere than before.
        Files.WriteAll(newer, 512 << 10, Enumerable.Repeat((byte)'a', 128 << 10).ToArray());
        Files.WriteAll(newer, 768 << 10, Enumerable.Repeat((byte)'b', Block).ToArray());
        Files.Flush(newer);
        Assert.Contains(Fiemap.Map(newer, sync: true), extent => extent.Flags.HasFlag(PhysicalExtentFlags.Encoded));

        Assert.Equal([new Extent(768 << 10, Block)], ByPlace(older, newer));
    }

    [Fact]
    public void ByPlace_OfContentWithinMetadata_ComparesIt()
    {
        var directory = btrfs.NewDirectory("inline");
        var (older, newer) = (Create(directory, "older"), Create(directory, "newer"));
        foreach (var (file, text) in ((SafeFileHandle, string)[])[(older, "one"), (newer, "two")])
        {
            Files.WriteAll(file, 0, Encoding.UTF8.GetBytes(text.PadRight(512)));
            Files.Flush(file);
            Assert.Contains(Fiemap.Map(file, sync: true), extent => extent.Flags.HasFlag(PhysicalExtentFlags.Inline));
        }

        Assert.Equal([new Extent(0, 512)], ByPlace(older, newer));
        Files.WriteAll(newer, 0, "one"u8);
        Assert.Empty(ByPlace(older, newer));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Unwritten_IsTheSameAsAHole(FileSystemKind kind)
    {
        var directory = DirectoryOn(kind);
        var (older, newer) = (Create(directory, "older"), Create(directory, "newer"));
        Files.SetLength(older, 8 << 20);
        Files.Allocate(newer, 0, 8 << 20);
        Files.WriteAll(newer, 4 << 20, Enumerable.Repeat((byte)1, Block).ToArray());
        Files.Flush(newer);

        Assert.Equal([new Extent(4 << 20, Block)], ByPlace(older, newer));
        Assert.Equal([new Extent(4 << 20, Block)], Joined(new ImageDelta(older, newer, 8 << 20, CancellationToken.None).ByContent(0)));
    }

    [Fact]
    public void ByPlace_WhoseCallerHasLeft_Ends()
    {
        var directory = xfs.NewDirectory("left");
        var older = Create(directory, "older");
        Files.WriteAll(older, 0, new byte[Block]);
        var delta = new ImageDelta(older, Reflink(older, directory, "newer"), Block, new CancellationToken(canceled: true));

        Assert.Throws<OperationCanceledException>(() => delta.ByPlace(0).Count());
        Assert.Throws<OperationCanceledException>(() => delta.ByContent(0).Count());
    }

    [Fact]
    public void ByContent_WhoseCallerLeavesMeanwhile_ReadsNoFurther()
    {
        var directory = ext4.NewDirectory("leaves");
        var (older, newer) = (Create(directory, "older"), Create(directory, "newer"));
        Files.WriteAll(older, 0, new byte[8 << 20]);
        Files.WriteAll(newer, 0, new byte[8 << 20]);
        foreach (var position in (long[])[0, (8 << 20) - Block])
            Files.WriteAll(newer, position, Enumerable.Repeat((byte)1, Block).ToArray());
        using var left = new CancellationTokenSource();
        using var changed = new ImageDelta(older, newer, 8 << 20, left.Token).ByContent(0).GetEnumerator();
        Assert.True(changed.MoveNext());
        Assert.Equal(new Extent(0, Block), changed.Current);

        left.Cancel();

        // All of it is one extent: without a look meanwhile the last block would be found.
        Assert.Throws<OperationCanceledException>(() => changed.MoveNext());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TenThousandBlocks_OfTenGibibytes_AreFound(FileSystemKind kind)
    {
        var directory = DirectoryOn(kind);
        var random = new Random(19);
        var older = Create(directory, "older");
        Files.SetLength(older, 10L << 30);
        WriteBlocks(older, random, 10_000);
        var newer = kind == FileSystemKind.Ext4 ? Create(directory, "newer") : Reflink(older, directory, "newer");
        if (kind == FileSystemKind.Ext4)
            await ImageCopy.RunAsync(older, newer, (_, _) => { });
        var written = WriteBlocks(newer, random, 10_000);

        var began = TimeProvider.System.GetTimestamp();
        var delta = new ImageDelta(older, newer, 10L << 30, CancellationToken.None);
        var changed = Joined(kind == FileSystemKind.Ext4 ? delta.ByContent(0) : delta.ByPlace(0));
        var took = TimeProvider.System.GetElapsedTime(began);

        output.WriteLine($"{kind}: {written.Count} changed blocks of 10 GiB in {changed.Count} ranges, found in {took.TotalMilliseconds:0} ms");
        Assert.Equal(written.Order(), changed.SelectMany(range => Enumerable.Range(0, (int)(range.Length / Block)).Select(i => range.Offset / Block + i)));
        Files.SetLength(older, 0);
        Files.SetLength(newer, 0);
    }

    private string DirectoryOn(FileSystemKind kind) => kind switch
    {
        FileSystemKind.Xfs => xfs.NewDirectory("delta"),
        FileSystemKind.Btrfs => btrfs.NewDirectory("delta"),
        _ => ext4.NewDirectory("delta"),
    };

    private SafeFileHandle Create(string directory, string name)
    {
        var file = Files.Open(Path.Combine(directory, name), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180);
        _files.Add(file);
        return file;
    }

    private SafeFileHandle Reflink(SafeFileHandle source, string directory, string name)
    {
        var file = Create(directory, name);
        Assert.True(Files.TryReflink(source, file));
        return file;
    }

    private static List<Extent> ByPlace(SafeFileHandle older, SafeFileHandle newer) =>
        Joined(new ImageDelta(older, newer, Files.Stat(newer).Size, CancellationToken.None).ByPlace(0));

    private static List<Extent> Joined(IEnumerable<Extent> ranges)
    {
        List<Extent> joined = [];
        foreach (var range in ranges)
        {
            if (joined is [.., var last] && last.End == range.Offset)
                joined[^1] = new Extent(last.Offset, range.End - last.Offset);
            else
                joined.Add(range);
        }
        return joined;
    }

    private static HashSet<long> WriteBlocks(SafeFileHandle file, Random random, int count)
    {
        HashSet<long> written = [];
        var content = new byte[Block];
        while (written.Count < count)
        {
            var block = random.NextInt64((10L << 30) / Block);
            if (!written.Add(block))
                continue;
            random.NextBytes(content);
            Files.WriteAll(file, block * Block, content);
        }
        Files.Flush(file);
        return written;
    }
}
