using System.Collections.Concurrent;
using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Directories;
using Lamina.Storage.Pools.Images;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// A pool of ZFS datasets beneath a root dataset, and nothing above or beside it: a volume is a dataset, or a zvol where it is a block device or has a
/// filesystem of its own; a snapshot is a snapshot, a volume from a snapshot a clone. All by single commands, whatever the size.
/// </summary>
/// <remarks>
/// <para>ZFS ties what we do not: a snapshot to its dataset, a clone to its snapshot. So what is deleted while something else lives from it is only renamed,
/// where no user sees it, and goes when nothing does any more. Snapshots are found by their records, as a promotion moves them to another dataset.</para>
/// <para>Files are split by topic: this one holds the life of the pool, the others its volumes, those that are devices, its snapshots, its trash, and what they use.</para>
/// </remarks>
internal sealed partial class ZfsPool : IPool
{
    private static readonly TimeSpan s_openPatience = TimeSpan.FromSeconds(30);
    private readonly PoolSettings _settings;
    private readonly ZfsCommand _zfs;
    private readonly ZfsLayout _layout;
    private readonly ZfsPoolLock _lock;
    private readonly ZfsEdge _edge;
    private readonly string _runtime;
    private readonly WriterPauses _pauses;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BackgroundRounds _rounds;
    private readonly StructureLock _structure = new();
    private readonly ConcurrentDictionary<ObjectKey, Volume> _volumes = [];

    // With the dataset that each lies in.
    private readonly ConcurrentDictionary<ObjectKey, (Snapshot Snapshot, string Dataset)> _snapshots = [];
    private ImmutableHashSet<ObjectKey> _unreadableSnapshots = [];
    private bool _maySweep;

    private ZfsPool(PoolSettings settings, ZfsCommand zfs, ZfsLayout layout, PoolId id, ZfsPoolLock held, PoolEnvironment environment, WriterPauses pauses, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _zfs = zfs;
        _layout = layout;
        _lock = held;
        _edge = new ZfsEdge(settings);
        _runtime = Path.Combine(environment.RuntimeDirectory, "zfs");
        _pauses = pauses;
        _time = time;
        _logger = logger;
        _rounds = new BackgroundRounds(RunRoundAsync, time);
        Description = new PoolDescription(
            settings.Name,
            id,
            "zfs",
            layout.Root,
            PoolFeatures.Snapshots | PoolFeatures.HardLimits | PoolFeatures.Compression | PoolFeatures.RootOwnership | PoolFeatures.DatasetProperties | PoolFeatures.OwnFileSystem | PoolFeatures.RestoresInPlace
                | (zfs.Dialect.HasEncryption ? PoolFeatures.Encryption : PoolFeatures.None)
                | (zfs.Dialect.HasDevices ? PoolFeatures.BlockVolumes : PoolFeatures.None))
        {
            FileSystem = zfs.Dialect.ToString(),
            Compressions = zfs.Dialect.Compressions,
            MutableAttributes = [.. DatasetProperties.Mutable],
            MutableDeviceAttributes = [.. DatasetProperties.MutableOfDevices],
            FileSystems = zfs.Dialect.HasDevices ? ImageTools.Installed() : [],
            DeviceSizeUnits = [ZvolProperties.SizeUnit.Bytes],
        };
    }

    /// <inheritdoc/>
    public PoolDescription Description { get; }

    /// <summary>Opens a pool that was made before.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static async Task<ZfsPool> OpenAsync(PoolSettings settings, ZfsPrograms programs, PoolEnvironment environment, WriterPauses pauses, TimeProvider time, ILogger logger)
    {
        var layout = ZfsLayout.Of(settings.Path);
        try
        {
            var (zfs, id, guid) = await AskWhoAsync(settings, programs, layout, time).WaitAsync(s_openPatience, time).ConfigureAwait(false);
            var held = ZfsPoolLock.Take(guid, layout.Root);
            try
            {
                await ZfsOrphans.WaitAsync(programs, layout, time).ConfigureAwait(false);
                return new ZfsPool(settings, zfs, layout, id, held, environment, pauses, time, logger);
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (TimeoutException e)
        {
            throw new StorageException(StorageError.Unavailable,
                $"the pool at {layout.Root} can't be opened: the ZFS pool {layout.Pool} has not answered for {s_openPatience.TotalSeconds} s; see: zpool status {layout.Pool}", e);
        }
        catch (Exception e) when (e is ZfsFailure or LinuxException)
        {
            throw new StorageException(StorageError.Unavailable, $"the pool at {layout.Root} can't be opened: {e.Message}", e);
        }
    }

    // One that is suspended answers some questions, and keeps whoever asks another or changes something waiting until somebody mends it.
    private static async Task<(ZfsCommand Zfs, PoolId Id, ulong Guid)> AskWhoAsync(PoolSettings settings, ZfsPrograms programs, ZfsLayout layout, TimeProvider time)
    {
        var zfs = await ZfsCommand.StartAsync(programs, time, layout.Pool, CancellationToken.None).ConfigureAwait(false);
        try
        {
            var health = await zfs.AskPoolAsync(CancellationToken.None, [.. zfs.Dialect.HealthQuestion, layout.Pool]).ConfigureAwait(false);
            if (health.StartsWith("SUSPENDED", StringComparison.Ordinal))
                throw new StorageException(StorageError.Unavailable, $"the pool at {layout.Root} can't be opened: the ZFS pool {layout.Pool} is suspended, as its disks failed; see: zpool status {layout.Pool}");
        }
        catch (ZfsFailure e) when (e.IsNotThere)
        {
            // What asks for the dataset says so, and what to do.
        }
        var (id, guid) = await ZfsIdentity.ReadAsync(zfs, settings, layout).ConfigureAwait(false);
        return (zfs, id, guid);
    }

    /// <inheritdoc/>
    public async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ZfsIdentity.MakeParentsAsync(_zfs, _layout, cancellationToken).ConfigureAwait(false);
            ClearTargets();
            await SetWhatIsInheritedAsync(cancellationToken).ConfigureAwait(false);
            var inventory = await FinishRestoresAsync(await ZfsInventory.ReadAsync(_zfs, _layout.Root, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            var unreadable = LoadVolumes(inventory).Concat(LoadSnapshots(inventory)).OrderBy(record => record.Path, StringComparer.Ordinal).ToImmutableList();
            await DiscardUnfinishedAsync(inventory).ConfigureAwait(false);
            TakeSample(inventory);
            await LookAtHealthAsync(cancellationToken).ConfigureAwait(false);
            // What can't be read may live from anything.
            _maySweep = unreadable.IsEmpty;
            _rounds.Start();
            return new PoolContents([.. _volumes.Values], [.. _snapshots.Values.Select(one => one.Snapshot)], unreadable);
        }
        catch (ZfsFailure e)
        {
            throw new StorageException(StorageError.Unavailable, $"the pool at {_layout.Root} can't be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _rounds.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _lock.Dispose();
            _structure.Dispose();
        }
    }

    // Said once, above the volumes, so that it holds for those too that are there already or were brought from elsewhere. How a device is shown is said at
    // the root, so that it stays the same on every way of a zvol through the pool.
    private async Task SetWhatIsInheritedAsync(CancellationToken cancellationToken)
    {
        if (_zfs.Dialect.SnapshotDirectory is { } directory)
            await SetOnceAsync(_layout.Volumes, "snapdir", directory, cancellationToken).ConfigureAwait(false);
        if (_zfs.Dialect.HasDevices)
            await SetOnceAsync(_layout.Root, ZvolProperties.Mode, ZvolProperties.Shown, cancellationToken).ConfigureAwait(false);
    }

    private async Task SetOnceAsync(string dataset, string property, string wanted, CancellationToken cancellationToken)
    {
        var known = new ZfsObject(dataset, await _zfs.GetAsync(dataset, deep: false, [property], cancellationToken).ConfigureAwait(false));
        if (known.Value(property) != wanted)
            await _zfs.SetAsync(dataset, (property, wanted)).ConfigureAwait(false);
    }

    private List<UnreadableRecord> LoadVolumes(ZfsInventory inventory)
    {
        var unreadable = new List<UnreadableRecord>();
        foreach (var dataset in inventory.Datasets)
        {
            if (_layout.VolumeName(dataset.Name) is not { } name)
                continue;
            var (volume, flaw) = ZfsRecords.ReadVolume(dataset, name, Description.Id);
            if (volume is not null)
                _volumes[volume.Id.Key] = volume;
            else
                unreadable.Add(new UnreadableRecord($"volumes/{name}", false, ObjectKey.TryParse(name, out var key) ? key : null, flaw!));
        }
        return unreadable;
    }

    private List<UnreadableRecord> LoadSnapshots(ZfsInventory inventory)
    {
        var unreadable = new List<UnreadableRecord>();
        foreach (var one in inventory.Snapshots.Where(IsSnapshot))
        {
            var (snapshot, flaw) = ZfsRecords.ReadSnapshot(one, Description.Id);
            if (snapshot is { Id.Key: var known } && !_snapshots.TryAdd(known, (snapshot, one.Dataset)))
                flaw = $"it is there twice: in {_snapshots[known].Dataset} too";
            if (flaw is not null)
                unreadable.Add(new UnreadableRecord(one.Name[(_layout.Root.Length + 1)..], true, ObjectKey.TryParse(one.SnapshotName, out var key) ? key : null, flaw));
        }
        _unreadableSnapshots = [.. unreadable.Select(record => record.Key).OfType<ObjectKey>()];
        return unreadable;
    }

    // Published, and not thrown away. What was never published is nothing yet.
    private bool IsSnapshot(ZfsObject one) => one.IsOurs && _layout.IsBeneathAParent(one.Dataset) && one.Own(ZfsRecords.Cut) is not null && one.SnapshotName is { } name && !ZfsLayout.IsTrashSnapshot(name);

    // What a daemon left that was killed: volumes that were being built, and snapshots that were cut but not published.
    private async Task DiscardUnfinishedAsync(ZfsInventory inventory)
    {
        foreach (var dataset in inventory.Datasets.Where(one => _layout.IsIncoming(one.Name) && IsOurs(inventory, one)))
            await _zfs.RenameAsync(dataset.Name, _layout.NewTrash(dataset.Name)).ConfigureAwait(false);
        foreach (var one in inventory.Snapshots.Where(one => one.IsOurs && one.Own(ZfsRecords.Cut) is null && !ZfsLayout.IsTrashSnapshot(one.SnapshotName!) && IsOfOurs(inventory, one)))
            await _zfs.RenameAsync(one.Name, $"{one.Dataset}@{ZfsLayout.NewTrashSnapshot()}").ConfigureAwait(false);
    }
}
