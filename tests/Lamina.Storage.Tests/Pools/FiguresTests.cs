using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools;

/// <summary>What backends tell of themselves to those who watch them.</summary>
[Collection<BtrfsQuotaCollection>]
public sealed class FiguresTests(BtrfsQuotaFileSystem fileSystem)
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Volume_OfAnOverlayPool_IsItsOwnUntilASnapshotHoldsItToo()
    {
        await using var storage = await ScratchStorage.StartAsync(TestScratch.NewDirectory("pool"));
        var volume = await storage.CreateAsync("v");
        await WriteAsync(storage, volume);
        await Eventually.TrueAsync(() => FiguresOf(storage, volume).Exclusive?.Bytes >= MiB, "the volume is measured");
        Assert.Equal(1, FiguresOf(storage, volume).Layers);
        Assert.Equal(FiguresOf(storage, volume).Exclusive, FiguresOf(storage, volume).Referenced);

        await storage.SnapshotAsync("s", volume);

        await Eventually.TrueAsync(() => FiguresOf(storage, volume) is { Exclusive.Bytes: < MiB, Referenced.Bytes: >= MiB }, "the new head is measured");
        Assert.Equal(2, FiguresOf(storage, volume).Layers);
    }

    [Fact]
    public async Task Volume_OfABtrfsPool_IsWhatItsQuotaHasCharged()
    {
        await using var storage = await ScratchStorage.StartAsync([OnBtrfs()]);
        var volume = await storage.CreateAsync("v", size: ByteSize.FromMebibytes(16));
        await WriteAsync(storage, volume);
        Files.FlushFileSystem(fileSystem.Root);
        var figures = FiguresOf(storage, volume);
        Assert.InRange(figures.Referenced!.Value.Bytes, MiB, 2 * MiB);
        Assert.Equal(figures.Referenced, figures.Exclusive);
        Assert.Equal(16 * MiB, figures.Headroom!.Value.Bytes + figures.Referenced.Value.Bytes);

        await storage.SnapshotAsync("s", volume);

        // What it shares nobody knows then, and what is charged stays known.
        Assert.Null(FiguresOf(storage, volume).Exclusive);
        Assert.InRange(FiguresOf(storage, volume).Referenced!.Value.Bytes, MiB, 2 * MiB);
        Assert.True(storage.Pools.Loaded.Single().Pool.GetFigures().Disk!.WrittenBytes > 0);
    }

    [Fact]
    public async Task Trash_OfAnOverlayPool_IsAsHeavyAsTheLayersInIt()
    {
        await using var storage = await ScratchStorage.StartAsync(TestScratch.NewDirectory("pool"));
        var volume = await storage.CreateAsync("v");
        await WriteAsync(storage, volume);
        await Eventually.TrueAsync(() => FiguresOf(storage, volume).Exclusive?.Bytes >= MiB, "the volume is measured");
        var pool = storage.Pools.Loaded.Single();
        Assert.Equal(0, pool.Pool.GetFigures().TrashBytes!.Value.Bytes);

        using var kept = Keep(Directory.EnumerateDirectories(Path.Combine(pool.Settings.Path, "layers")).Single());
        await storage.Services.DeleteAsync(volume);

        await Eventually.TrueAsync(() => pool.Pool.GetFigures().TrashEntries == 1, "the layer alone is left");
        Assert.InRange(pool.Pool.GetFigures().TrashBytes!.Value.Bytes, MiB, 2 * MiB);

        // A head is remembered by nobody: what nobody has measured since is unknown, and not nothing.
        await storage.StartAgainAsync();
        Assert.Equal((1, null), (storage.Pools.Loaded.Single().Pool.GetFigures().TrashEntries, storage.Pools.Loaded.Single().Pool.GetFigures().TrashBytes));
    }

    [Fact]
    public async Task Trash_OfABtrfsPool_IsAsHeavyAsItsQuotaSays()
    {
        await using var storage = await ScratchStorage.StartAsync([OnBtrfs()]);
        var volume = await storage.CreateAsync("v", size: ByteSize.FromMebibytes(16));
        await WriteAsync(storage, volume);
        Files.FlushFileSystem(fileSystem.Root);
        var pool = storage.Pools.Loaded.Single();

        using (Keep(Path.Combine(pool.Settings.Path, "volumes", "v")))
        {
            await storage.Services.DeleteAsync(volume);

            Assert.Equal(1, pool.Pool.GetFigures().TrashEntries);
            Assert.InRange(pool.Pool.GetFigures().TrashBytes!.Value.Bytes, MiB, 2 * MiB);
        }
    }

    private PoolSettings OnBtrfs() => new() { Name = PoolName.Default, Backend = PoolBackend.Btrfs, Path = fileSystem.NewDirectory("pool"), SimpleQuota = true, IsDefault = true };

    private static VolumeFigures FiguresOf(ScratchStorage storage, Volume volume) => storage.Pools.Loaded.Single().Pool.GetFigures(volume);

    private static Task WriteAsync(ScratchStorage storage, Volume volume) => storage.UseAsync(volume, path => File.WriteAllBytes(Path.Combine(path, "file"), Content(MiB)));

    private static byte[] Content(int size)
    {
        var content = new byte[size];
        new Random(1).NextBytes(content);
        return content;
    }

    // What something is mounted in stays in the trash.
    private static Kept Keep(string directory)
    {
        var place = Path.Combine(directory, "place");
        File.WriteAllText(place, "");
        using var handle = Files.Open(place, OpenFlags.Path | OpenFlags.NoFollow);
        using var tree = Mounts.CloneTree(handle);
        Mounts.Attach(tree, place);
        return new Kept(MountTable.Read().FindTop(place)!.Id);
    }

    // By the mount's number: by then it lies elsewhere.
    private sealed class Kept(int mount) : IDisposable
    {
        public void Dispose() => Mounts.Unmount(MountTable.Read().Entries.Single(entry => entry.Id == mount).MountPoint);
    }
}
