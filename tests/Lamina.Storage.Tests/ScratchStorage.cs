using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests;

/// <summary>The services over one overlay2 pool in a scratch directory, as a daemon would have them; can be stopped and started again.</summary>
internal sealed class ScratchStorage : IAsyncDisposable
{
    private static readonly HolderIdentity Holder = new(Door.Cli, HolderKind.User, "test");
    private readonly string _runtime = TestScratch.NewDirectory("run");

    private ScratchStorage(PoolSettings settings) => Settings = settings;

    internal PoolSettings Settings { get; }

    /// <summary>Where the mounts and the holders are.</summary>
    internal string RuntimeDirectory => _runtime;

    internal StorageServices Services { get; private set; } = null!;

    internal PoolOpener Opener => Services.Opener;

    internal PoolSet Pools => Services.Pools;

    internal Catalog Catalog => Services.Catalog;

    internal VolumeService Volumes => Services.Volumes;

    internal SnapshotService Snapshots => Services.Snapshots;

    internal AttachmentService Attachments => Services.Attachments;

    internal static async Task<ScratchStorage> StartAsync(string directory)
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = directory, IsDefault = true };
        PoolInitializer.Initialize(settings);
        var storage = new ScratchStorage(settings);
        await storage.StartAgainAsync();
        return storage;
    }

    /// <summary>A new daemon on the same pool; the old one, if any, is gone, and mounts have stayed.</summary>
    internal async Task StartAgainAsync()
    {
        if (Services is not null)
            await Services.DisposeAsync();
        Services = await StorageServices.StartAsync(_runtime, [Settings]);
    }

    internal Task<Volume> CreateAsync(string name, VolumeSource? source = null, ByteSize? size = null) => Services.CreateAsync(name, source, size);

    internal Task<Snapshot> SnapshotAsync(string name, Volume volume) => Services.SnapshotAsync(name, volume);

    internal VolumeUsage? UsageOf(Volume volume) => Pools.Resolve(volume.Id.Pool).Pool.GetUsage(volume);

    internal SnapshotUsage? UsageOf(Snapshot snapshot) => Pools.Resolve(snapshot.Id.Pool).Pool.GetUsage(snapshot);

    internal Task<string> AttachAsync(Volume volume) => Attachments.AttachAsync(volume.Id, Holder, "", CancellationToken.None);

    internal Task DetachAsync(Volume volume) => Attachments.DetachAsync(volume.Id, Holder, CancellationToken.None);

    /// <summary>Attaches the volume, works in it, detaches it.</summary>
    internal async Task UseAsync(Volume volume, Action<string> work)
    {
        work(await AttachAsync(volume));
        await DetachAsync(volume);
    }

    internal async Task<string> ReadAsync(Volume volume, string file)
    {
        var text = "";
        await UseAsync(volume, path => text = File.ReadAllText(Path.Combine(path, file)));
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var holder in Catalog.Volumes().SelectMany(volume => Attachments.HoldersOf(volume.Id)).OrderByDescending(holder => holder.Kind == HolderKind.Publication).ToList())
            {
                if (holder.Kind == HolderKind.Publication)
                    await Attachments.UnpublishAsync(holder.Volume, holder.Door, IStorageValue<MountTarget>.Parse(holder.Reference), CancellationToken.None);
                else
                    await Attachments.DetachAsync(holder.Volume, holder.Identity, CancellationToken.None);
            }
        }
        finally
        {
            // Whatever failed before: the pool's handles would keep its filesystem from being unmounted.
            await Services.DisposeAsync();
        }
    }
}
