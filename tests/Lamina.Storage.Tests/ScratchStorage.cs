using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

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

    internal PoolOpener Opener { get; private set; } = null!;

    internal PoolSet Pools { get; private set; } = null!;

    internal Catalog Catalog { get; private set; } = null!;

    internal VolumeService Volumes { get; private set; } = null!;

    internal SnapshotService Snapshots { get; private set; } = null!;

    internal SnapshotGroupService Groups { get; private set; } = null!;

    internal AttachmentService Attachments { get; private set; } = null!;

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
        if (Pools is not null)
            await Pools.DisposeAsync();
        Catalog = new Catalog();
        var loggers = NullLoggerFactory.Instance;
        var pauses = new WriterPauses(_runtime, null, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        Opener = new PoolOpener(loggers, TimeProvider.System, pauses);
        Pools = new PoolSet(Opener, new ForgottenPools(_runtime), Catalog, NullLogger<PoolSet>.Instance);
        var operations = new OperationRunner(new KeyedLocks(), NullLogger<OperationRunner>.Instance);
        Attachments = new AttachmentService(
            new AttachmentOptions(_runtime), Pools, Catalog, operations, TimeProvider.System, NullLogger<AttachmentService>.Instance);
        var promises = new CapacityPromises(Catalog);
        Volumes = new VolumeService(Pools, Catalog, Attachments, promises, operations, TimeProvider.System, NullLogger<VolumeService>.Instance);
        var cuts = new CutRunner(pauses, TimeProvider.System, NullLogger<CutRunner>.Instance);
        Snapshots = new SnapshotService(Pools, Catalog, Attachments, cuts, promises, operations, TimeProvider.System, NullLogger<SnapshotService>.Instance);
        Groups = new SnapshotGroupService(Pools, Catalog, Attachments, cuts, promises, operations, TimeProvider.System, NullLogger<SnapshotGroupService>.Instance);
        await Pools.LoadAsync(_settings.Where(pool => !Missing.Contains(pool.Name)), CancellationToken.None);
        await Attachments.ReconcileAsync(CancellationToken.None);
    }

    internal Task<Volume> CreateAsync(string name, VolumeSource? source = null, ByteSize? size = null, PoolName? pool = null) => Volumes.CreateAsync(
        new VolumeRequest { Name = name, Door = Door.Cli, Source = source, Size = SizeRange.AtLeast(size), Pool = pool }, CancellationToken.None);

    internal Task<SnapshotGroup> GroupAsync(string name, params IEnumerable<Volume> volumes) => Groups.CreateAsync(
        new SnapshotGroupRequest { Name = name, Volumes = [.. volumes.Select(volume => volume.Id)], Door = Door.Cli }, CancellationToken.None);

    /// <summary>Where a pool lies.</summary>
    internal string PathOf(PoolName pool) => _settings.Single(settings => settings.Name == pool).Path;

    /// <summary>The disks of the missing pools are there now.</summary>
    internal async Task LoadMissingAsync()
    {
        foreach (var pool in _settings.Where(pool => Missing.Remove(pool.Name)))
            await Pools.AddAsync(pool, CancellationToken.None);
    }

    internal Task<Snapshot> SnapshotAsync(string name, Volume volume) =>
        Snapshots.CreateAsync(new SnapshotRequest { Name = name, Volume = volume.Id, Door = Door.Cli }, CancellationToken.None);

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
            await Pools.DisposeAsync();
        }
    }
}
