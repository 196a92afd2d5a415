using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing;

/// <summary>The domain as a daemon puts it together, over pools that exist. Letting go of it leaves mounts as they are.</summary>
public sealed class StorageServices : IAsyncDisposable
{
    private StorageServices(string runtimeDirectory, IReadOnlyList<string> bindRoots)
    {
        var time = TimeProvider.System;
        var pauses = new WriterPauses(runtimeDirectory, null, time, NullLogger<WriterPauses>.Instance);
        Opener = new PoolOpener(
            NullLoggerFactory.Instance, time, pauses, new PoolEnvironment { BindRoots = bindRoots, RuntimeDirectory = runtimeDirectory });
        Pools = new PoolSet(Opener, new ForgottenPools(runtimeDirectory), Catalog, NullLogger<PoolSet>.Instance);
        var operations = new OperationRunner(new KeyedLocks(), NullLogger<OperationRunner>.Instance);
        Attachments = new AttachmentService(
            new AttachmentOptions(runtimeDirectory), Pools, Catalog, operations, time, NullLogger<AttachmentService>.Instance);
        var promises = new CapacityPromises(Catalog);
        Volumes = new VolumeService(Pools, Catalog, Attachments, promises, operations, time, NullLogger<VolumeService>.Instance);
        var cuts = new CutRunner(pauses, time, NullLogger<CutRunner>.Instance);
        Snapshots = new SnapshotService(Pools, Catalog, Attachments, cuts, promises, operations, time, NullLogger<SnapshotService>.Instance);
        Groups = new SnapshotGroupService(Pools, Catalog, Attachments, cuts, promises, operations, time, NullLogger<SnapshotGroupService>.Instance);
    }

    public Catalog Catalog { get; } = new();

    public PoolOpener Opener { get; }

    public PoolSet Pools { get; }

    public AttachmentService Attachments { get; }

    public VolumeService Volumes { get; }

    public SnapshotService Snapshots { get; }

    public SnapshotGroupService Groups { get; }

    /// <summary>Loads the pools, and puts in order what is mounted of them.</summary>
    public static async Task<StorageServices> StartAsync(string runtimeDirectory, IReadOnlyList<PoolSettings> pools, params IReadOnlyList<string> bindRoots)
    {
        var services = new StorageServices(runtimeDirectory, bindRoots);
        await services.Pools.LoadAsync(pools, CancellationToken.None);
        await services.Attachments.ReconcileAsync(CancellationToken.None);
        return services;
    }

    /// <summary>Makes a volume.</summary>
    public Task<Volume> CreateAsync(string name, VolumeSource? source = null, ByteSize? size = null, PoolName? pool = null) => Volumes.CreateAsync(
        new VolumeRequest { Name = name, Door = Door.Cli, Source = source, Size = SizeRange.AtLeast(size), Pool = pool }, CancellationToken.None);

    /// <summary>Cuts a snapshot.</summary>
    public Task<Snapshot> SnapshotAsync(string name, Volume volume) =>
        Snapshots.CreateAsync(new SnapshotRequest { Name = name, Volume = volume.Id, Door = Door.Cli }, CancellationToken.None);

    /// <summary>Cuts a group of snapshots.</summary>
    public Task<SnapshotGroup> GroupAsync(string name, params IEnumerable<Volume> volumes) => Groups.CreateAsync(
        new SnapshotGroupRequest { Name = name, Volumes = [.. volumes.Select(volume => volume.Id)], Door = Door.Cli }, CancellationToken.None);

    /// <summary>Deletes a volume.</summary>
    public Task DeleteAsync(Volume volume) => Volumes.DeleteAsync(volume.Id, CancellationToken.None);

    /// <summary>Deletes a snapshot.</summary>
    public Task DeleteAsync(Snapshot snapshot) => Snapshots.DeleteAsync(snapshot.Id, CancellationToken.None);

    public async ValueTask DisposeAsync() => await Pools.DisposeAsync();
}
