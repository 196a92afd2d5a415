using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests;

/// <summary>The services over one overlay2 pool in a scratch directory, as a daemon would have them; can be stopped and started again.</summary>
internal sealed class ScratchStorage : IAsyncDisposable
{
    private static readonly HolderIdentity Holder = new(Door.Cli, HolderKind.User, "test");
    private readonly string _runtime = TestScratch.NewDirectory("run");

    private IReadOnlyList<PoolSettings> _settings;

    private ScratchStorage(IReadOnlyList<PoolSettings> settings) => _settings = settings;

    internal PoolSettings Settings => _settings[0];

    /// <summary>The pools that the next daemon does not find, as if their disks were not mounted.</summary>
    internal HashSet<PoolName> Missing { get; } = [];

    /// <summary>The pools, as the workload that is a daemon wants them named.</summary>
    internal IEnumerable<string> Arguments => _settings.Select(pool => $"{pool.Name}={pool.Backend}={pool.Path}");

    /// <summary>Where the mounts and the holders are.</summary>
    internal string RuntimeDirectory => _runtime;

    internal StorageServices Services { get; private set; } = null!;

    internal PoolOpener Opener => Services.Opener;

    internal PoolSet Pools => Services.Pools;

    internal Catalog Catalog => Services.Catalog;

    internal VolumeService Volumes => Services.Volumes;

    internal SnapshotService Snapshots => Services.Snapshots;

    internal SnapshotGroupService Groups => Services.Groups;

    internal AttachmentService Attachments => Services.Attachments;

    internal static Task<ScratchStorage> StartAsync(string directory) =>
        StartAsync([new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = directory, IsDefault = true }]);

    /// <summary>Makes the pools, and starts a daemon with all of them.</summary>
    internal static async Task<ScratchStorage> StartAsync(IReadOnlyList<PoolSettings> settings)
    {
        foreach (var pool in settings)
            PoolInitializer.Initialize(pool);
        var storage = new ScratchStorage(settings);
        await storage.StartAgainAsync();
        return storage;
    }

    /// <summary>A new daemon on the same pool; the old one, if any, is gone, and mounts have stayed.</summary>
    internal async Task StartAgainAsync(Func<PoolSettings, PoolSettings>? configure = null)
    {
        if (configure is not null)
            _settings = [.. _settings.Select(configure)];
        if (Services is not null)
            await Services.DisposeAsync();
        Services = await StorageServices.StartAsync(_runtime, [.. _settings.Where(pool => !Missing.Contains(pool.Name))]);
    }

    internal Task<Volume> CreateAsync(string name, VolumeSource? source = null, ByteSize? size = null, PoolName? pool = null) => Services.CreateAsync(name, source, size, pool);

    internal Task<SnapshotGroup> GroupAsync(string name, params IEnumerable<Volume> volumes) => Services.GroupAsync(name, volumes);

    /// <summary>Where a pool lies.</summary>
    internal string PathOf(PoolName pool) => _settings.Single(settings => settings.Name == pool).Path;

    /// <summary>The disks of the missing pools are there now.</summary>
    internal async Task LoadMissingAsync()
    {
        foreach (var pool in _settings.Where(pool => Missing.Remove(pool.Name)))
            await Pools.AddAsync(pool, CancellationToken.None);
    }

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
