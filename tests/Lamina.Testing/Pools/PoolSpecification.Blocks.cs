using Lamina.Linux;
using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Which blocks of a raw device's snapshots hold data, and which have changed.</content>
public abstract partial class PoolSpecification
{
    private const int BlockSize = 4096;

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_ThatChanged_CopiedAloneMakeTheWholeImage()
    {
        var random = new Random(11);
        var volume = await CreateImageAsync("a", null);
        await WriteBlocksAsync(volume, random, 400);
        var older = await Scratch.SnapshotAsync(volume, "s1");
        var written = await WriteBlocksAsync(volume, random, 300);
        // What is given back reads as zeros, and has changed too.
        await Scratch.UseAsync(volume, mounted =>
        {
            using var device = Files.Open(mounted.Path, OpenFlags.ReadWrite);
            GiveBack(device, 20 << 20, 8 << 20);
        });
        var newer = await Scratch.SnapshotAsync(volume, "s2");
        await WriteBlocksAsync(volume, random, 100);

        var changed = await BlocksAsync(newer, older);

        await AssertMakeTheNewerAsync(changed, older, newer);
        var allowed = written.Concat(Enumerable.Range((20 << 20) / BlockSize, (8 << 20) / BlockSize).Select(block => (long)block)).ToHashSet();
        Assert.Subset(allowed, changed.SelectMany(BlocksOf).ToHashSet());
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_WithData_CopiedAloneMakeTheWholeImage()
    {
        var volume = await CreateImageAsync("a", null);
        var empty = await Scratch.SnapshotAsync(volume, "s0");
        await WriteBlocksAsync(volume, new Random(12), 300);
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        var held = await BlocksAsync(snapshot, null);

        Assert.Empty(await BlocksAsync(empty, null));
        var image = await Scratch.ReadImageAsync(snapshot);
        var copy = new byte[image.Length];
        Copy(held, image, copy);
        Assert.True(copy.AsSpan().SequenceEqual(image), "what was not told of is zeros");
        Assert.True(held.Sum(range => range.Length) < image.Length / 2);
        // All that there is has changed since there was nothing.
        copy = new byte[image.Length];
        Copy(await BlocksAsync(snapshot, empty), image, copy);
        Assert.True(copy.AsSpan().SequenceEqual(image), "what was not told of is zeros");
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_FromTheMiddle_AreTheRestOfAll()
    {
        var (older, newer) = await TwoSnapshotsAsync(13);

        foreach (var since in (Snapshot?[])[null, older])
        {
            var all = await BlocksAsync(newer, since);
            foreach (var from in (long[])[0, BlockSize, all[50].Offset, all[50].Offset + BlockSize, all[50].End, all[^1].End, newer.Size!.Value.Bytes])
            {
                var rest = all.Where(range => range.End > from).Select(range => range.Offset >= from ? range : new Extent(from, range.End - from));
                Assert.Equal(rest, await BlocksAsync(newer, since, from));
            }
        }
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_OfAVolumeThatHasGrown_HoldWhatWasWrittenBehindTheOldEnd()
    {
        var random = new Random(14);
        var volume = await CreateImageAsync("a", null);
        await WriteBlocksAsync(volume, random, 100);
        var older = await Scratch.SnapshotAsync(volume, "s1");
        volume = volume with { Size = new ByteSize(volume.Size!.Value.Bytes + (32 << 20) + Pool.Description.DeviceSizeUnits[^1]) };
        await Pool.ResizeVolumeAsync(volume);
        await WriteBlocksAsync(volume, random, 200);
        await Scratch.UseAsync(volume, mounted =>
        {
            using var device = Files.Open(mounted.Path, OpenFlags.WriteOnly);
            Files.WriteAll(device, volume.Size!.Value.Bytes - 512, Enumerable.Repeat((byte)7, 512).ToArray());
        });
        var newer = await Scratch.SnapshotAsync(volume, "s2");

        var changed = await BlocksAsync(newer, older);

        await AssertMakeTheNewerAsync(changed, older, newer);
        Assert.Equal(volume.Size.Value.Bytes, changed[^1].End);
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_OfAnotherVolumeOfTheSameName_AreTheDifferenceToThat()
    {
        var volume = await CreateImageAsync("a", null);
        await WriteBlocksAsync(volume, new Random(15), 200);
        var older = await Scratch.SnapshotAsync(volume, "s1");
        await Pool.DeleteVolumeAsync(volume);
        volume = await CreateImageAsync("a", null);
        await WriteBlocksAsync(volume, new Random(16), 200);
        var newer = await Scratch.SnapshotAsync(volume, "s2");

        await AssertMakeTheNewerAsync(await BlocksAsync(newer, older), older, newer);
    }

    [PoolFact(PoolTraits.Images)]
    public async Task Blocks_OfSnapshotsThatAreDeletedMeanwhile_AreToldToTheEnd()
    {
        var (older, newer) = await TwoSnapshotsAsync(17);
        var all = await BlocksAsync(newer, older);

        using var blocks = Pool.OpenBlocks(newer, older, 0, CancellationToken.None);
        var first = await blocks.NextAsync(10);
        await Pool.DeleteSnapshotAsync(older);
        await Pool.DeleteSnapshotAsync(newer);

        Assert.Equal(all, first.Concat(await blocks.NextAsync(int.MaxValue)));
    }

    [PoolFact(PoolTraits.Images | PoolTraits.Directory)]
    public async Task Blocks_OfAnImageThatWasCut_AreNotToldAsZeros()
    {
        var volume = await CreateImageAsync("a", null);
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        using (var image = Files.Open(((DirectoryScratchPool)Scratch).ImagePathOf(snapshot), OpenFlags.ReadWrite))
            Files.SetLength(image, 4096);

        await AssertRefusedAsync(StorageError.DataLoss, () => BlocksAsync(snapshot, null));
    }

    private async Task<(Snapshot Older, Snapshot Newer)> TwoSnapshotsAsync(int seed)
    {
        var random = new Random(seed);
        var volume = await CreateImageAsync("a", null);
        await WriteBlocksAsync(volume, random, 200);
        var older = await Scratch.SnapshotAsync(volume, "s1");
        await WriteBlocksAsync(volume, random, 200);
        return (older, await Scratch.SnapshotAsync(volume, "s2"));
    }

    // A device that can't (a zvol takes no such call) has zeros written to it, which come to the same.
    private static void GiveBack(Microsoft.Win32.SafeHandles.SafeFileHandle device, long offset, int length)
    {
        try
        {
            Files.PunchHole(device, offset, length);
        }
        catch (LinuxException e) when (e.Errno is Errno.EOPNOTSUPP)
        {
            Files.WriteAll(device, offset, new byte[length]);
        }
    }

    private static IEnumerable<long> BlocksOf(Extent range)
    {
        for (var offset = range.Offset; offset < range.End; offset += BlockSize)
            yield return offset / BlockSize;
    }

    private static void Copy(IEnumerable<Extent> ranges, byte[] from, byte[] to)
    {
        foreach (var range in ranges)
            from.AsSpan((int)range.Offset, (int)range.Length).CopyTo(to.AsSpan((int)range.Offset));
    }

    private async Task AssertMakeTheNewerAsync(IEnumerable<Extent> changed, Snapshot older, Snapshot newer)
    {
        var after = await Scratch.ReadImageAsync(newer);
        var copy = new byte[after.Length];
        (await Scratch.ReadImageAsync(older)).CopyTo(copy, 0);
        Assert.False(copy.AsSpan().SequenceEqual(after), "something has changed");
        Copy(changed, after, copy);
        Assert.True(copy.AsSpan().SequenceEqual(after), "what was not told of is the same");
    }

    // In steps of odd lengths, as they must join; and as whoever gets them may rely on it, in order and apart.
    private async Task<IReadOnlyList<Extent>> BlocksAsync(Snapshot snapshot, Snapshot? since, long from = 0)
    {
        using var blocks = Pool.OpenBlocks(snapshot, since, from, CancellationToken.None);
        List<Extent> all = [];
        while (await blocks.NextAsync(7) is { Count: > 0 } some)
            all.AddRange(some);

        Assert.All(all, range => Assert.InRange(range.Length, 1, snapshot.Size!.Value.Bytes));
        Assert.All(all, range => Assert.InRange(range.Offset, from, snapshot.Size!.Value.Bytes - range.Length));
        Assert.All(all.Zip(all.Skip(1)), pair => Assert.True(pair.First.End < pair.Second.Offset, $"{pair.First} comes before {pair.Second} and does not touch it"));
        return all;
    }

    /// <summary>Writes random blocks to a raw device, here and there several in a row.</summary>
    /// <returns>Their numbers.</returns>
    private async Task<HashSet<long>> WriteBlocksAsync(Volume volume, Random random, int count)
    {
        HashSet<long> written = [];
        await Scratch.UseAsync(volume, mounted =>
        {
            using var device = Files.Open(mounted.Path, OpenFlags.ReadWrite);
            for (var i = 0; i < count; i++)
            {
                var content = new byte[BlockSize * random.Next(1, 4)];
                random.NextBytes(content);
                var block = random.NextInt64(volume.Size!.Value.Bytes / BlockSize - 3);
                Files.WriteAll(device, block * BlockSize, content);
                for (var at = 0; at < content.Length; at += BlockSize)
                    written.Add(block + at / BlockSize);
            }
        });
        return written;
    }
}
