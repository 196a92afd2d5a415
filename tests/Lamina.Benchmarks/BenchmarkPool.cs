using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Benchmarks;

/// <summary>A pool on a disk of its own, with the services of a daemon over it, and beside it a directory for the floor.</summary>
internal sealed class BenchmarkPool : IAsyncDisposable
{
    // Sparse: it takes what is written.
    private const long DiskSize = 16L << 30;

    private static readonly HolderIdentity Holder = new(Door.Cli, HolderKind.User, "benchmark");
    private readonly LoopDisk _disk;
    private readonly PoolSettings _settings;

    private BenchmarkPool(Place place, LoopDisk disk, PoolSettings settings, StorageServices services)
    {
        _disk = disk;
        _settings = settings;
        Services = services;
        Floor = new Floor(place, disk.NewDirectory("floor"));
    }

    internal StorageServices Services { get; }

    internal Floor Floor { get; }

    internal static async Task<BenchmarkPool> CreateAsync(Place place)
    {
        var kind = place switch
        {
            Place.OverlayOnExt4 => FileSystemKind.Ext4,
            Place.OverlayOnXfs => FileSystemKind.Xfs,
            _ => FileSystemKind.Btrfs,
        };
        var disk = await LoopDisk.CreateAsync(kind, DiskSize);
        var settings = new PoolSettings
        {
            Name = PoolName.Default,
            Backend = place == Place.Btrfs ? PoolBackend.Btrfs : PoolBackend.Overlay2,
            Path = disk.NewDirectory("pool"),
        };
        PoolInitializer.Initialize(settings);
        return new BenchmarkPool(place, disk, settings, await StorageServices.StartAsync(TestScratch.NewDirectory("run"), [settings]));
    }

    /// <summary>A detached volume with something in it.</summary>
    internal async Task<Volume> CreateAsync(string name, Content content)
    {
        var volume = await Services.CreateAsync(name);
        Fill(await Services.Attachments.AttachAsync(volume.Id, Holder, "", CancellationToken.None), content);
        await Services.Attachments.DetachAsync(volume.Id, Holder, CancellationToken.None);
        return volume;
    }

    /// <summary>Deletes what a measurement has left, and waits until the disk is as it was.</summary>
    internal async Task ClearAsync()
    {
        foreach (var snapshot in Services.Catalog.Snapshots().ToList())
            await Services.DeleteAsync(snapshot);
        foreach (var volume in Services.Catalog.Volumes().ToList())
            await Services.DeleteAsync(volume);
        Floor.Clear();
        await Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(_settings.Path, "trash")).Any(), "the trash is empty");
        Files.FlushFileSystem(_disk.Root);
    }

    public async ValueTask DisposeAsync()
    {
        Floor.Dispose();
        await Services.DisposeAsync();
        _disk.Dispose();
    }

    private static void Fill(string path, Content content)
    {
        using var root = Files.OpenDirectory(path);
        using (var file = Files.OpenAt(root, "file", OpenFlags.WriteOnly | OpenFlags.Create, 0x1a4))
        {
            // Space that is taken and not written to: as many extents to be shared or freed, in no time.
            Files.Allocate(file, 0, content == Content.TenGigabytes ? 10L << 30 : 1 << 20);
        }
        for (var number = 0; content == Content.TenGigabytes && number < 1000; number++)
            File.WriteAllText(Path.Combine(path, $"file-{number}"), "content");
    }
}
