using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// A pool of overlay layers on any filesystem of the host. A volume is a head that is written to over a chain of sealed layers; a snapshot is
/// a chain.
/// </summary>
/// <remarks>
/// <para>Sealing moves nothing: a new empty head is made, the volume's record is replaced (new head; the old one on top of the chain), and only
/// then the snapshot's record appears. A volume in use can't get a new head, as the kernel has no way to change a mounted overlay: its head is
/// copied by a <see cref="LiveCut"/>, and the copy is the snapshot's sealed layer.</para>
/// <para>Files are split by topic: this one holds the life of the pool, the others its volumes, its snapshots, how they are cut, and what they use.</para>
/// </remarks>
internal sealed partial class OverlayPool : IPool
{
    /// <summary>
    /// A volume that lies on as many layers is merged before it is mounted or cut. Merging behind the scenes lets far fewer stand, unless a volume is
    /// attached each time before it has come to that.
    /// </summary>
    private const int MaxLayers = 127;

    /// <summary>The kernel mounts 500.</summary>
    private const int MaxMountableLayers = 498;

    private readonly PoolSettings _settings;
    private readonly PoolEdge _edge;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PoolDirectory _directory;
    private readonly LayerStore _layers;
    private readonly CutRunner _cuts;
    private readonly ProjectQuotas _quotas;
    private readonly LayerUsage _usage;
    private readonly ObjectDirectory<OverlayVolumeRecord> _volumes;
    private readonly ObjectDirectory<OverlaySnapshotRecord> _snapshots;
    private readonly TrashReclaimer _trash;
    private readonly ChainMerger _merger;

    // A volume's record is also replaced behind the scenes, when its layers are merged: this is what keeps that apart from the calls.
    private readonly KeyedLocks _records = new();
    private bool _mayReclaim;
    private long _merges;

    private OverlayPool(PoolSettings settings, PoolDirectory directory, CutRunner cuts, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _edge = new PoolEdge(settings);
        _time = time;
        _logger = logger;
        _directory = directory;
        _cuts = cuts;
        _layers = new LayerStore(directory);
        _quotas = new ProjectQuotas(directory, _layers);
        _usage = new LayerUsage(_layers, settings.UsageInterval, time, logger);
        _volumes = new ObjectDirectory<OverlayVolumeRecord>(directory, "volumes", () => OverlayRecordJson.Default.OverlayVolumeRecord);
        _snapshots = new ObjectDirectory<OverlaySnapshotRecord>(directory, "snapshots", () => OverlayRecordJson.Default.OverlaySnapshotRecord);
        _trash = new TrashReclaimer(directory, settings.Name, RemoveFromTrashAsync, time, logger);
        _merger = new ChainMerger(MergeChainAsync, logger);
        Description = Describe();
    }

    /// <inheritdoc/>
    public PoolDescription Description { get; }

    /// <summary>The directory that it lies in, for what lies there beside it.</summary>
    internal PoolDirectory Directory => _directory;

    /// <summary>Opens a pool that was made before.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static OverlayPool Open(PoolSettings settings, CutRunner cuts, TimeProvider time, ILogger logger)
    {
        var directory = PoolDirectory.Open(settings);
        try
        {
            UpperCheck.Run(directory);
            return new OverlayPool(settings, directory, cuts, time, logger);
        }
        catch (Exception e)
        {
            directory.Dispose();
            if (e is LinuxException linux)
                throw new StorageException(StorageError.Unavailable, $"the pool at {settings.Path} can't be opened: {linux.Message}", linux);
            throw;
        }
    }

    /// <summary>Makes a new pool in an empty directory.</summary>
    /// <exception cref="StorageException">The directory is not empty, or its filesystem can't carry overlay layers.</exception>
    internal static void Initialize(PoolSettings settings)
    {
        UpperCheck.RunBeforeInitialize(settings.Path);
        PoolDirectory.Initialize(settings, LayerStore.Directories);
    }

    /// <inheritdoc/>
    public async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var unreadable = _volumes.Load(cancellationToken).AddRange(_snapshots.Load(cancellationToken));
            foreach (var volume in _volumes.Records)
                _layers.References.Add([volume.Head, .. volume.Chain]);
            foreach (var snapshot in _snapshots.Records)
                _layers.References.Add(snapshot.Chain);

            // What an unreadable record names can't be known, so nothing is given up while there is one.
            _mayReclaim = unreadable.IsEmpty;
            _directory.DiscardIncoming();
            if (_mayReclaim)
            {
                _layers.Sweep();
                _trash.Start();
            }
            SealSharedHeads();
            _merger.Start();
            _usage.Start(
                _volumes.Records.Select(volume => volume.Head), _volumes.Records.SelectMany(volume => volume.Chain).Concat(_snapshots.Records.SelectMany(snapshot => snapshot.Chain)));
            return new PoolContents(
                [.. _volumes.Records.Select(record => record.Volume)], [.. _snapshots.Records.Select(record => record.Snapshot)], unreadable);
        }
        catch (LinuxException e)
        {
            throw _edge.Unreadable(e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _directory.FindProblems();

    /// <inheritdoc/>
    public PoolFigures GetFigures() => _edge.Run("look at the pool", () => _directory.GetFigures(WeighTrash) with
    {
        Layers = _layers.References.Count,
        DeepestChain = _volumes.Records.Select(record => record.Chain.Length + 1).DefaultIfEmpty().Max(),
        Merges = Interlocked.Read(ref _merges),
    });

    /// <inheritdoc/>
    public PoolCapacity GetCapacity() => _edge.Run("measure the room", () => _directory.Capacity);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _merger.DisposeAsync().ConfigureAwait(false);
        await _usage.DisposeAsync().ConfigureAwait(false);
        await _trash.DisposeAsync().ConfigureAwait(false);
        _volumes.Dispose();
        _snapshots.Dispose();
        _layers.Dispose();
        _directory.Dispose();
    }

    /// <summary>Somebody else has put something into the trash.</summary>
    internal void WakeTrash() => _trash.Wake();

    private PoolDescription Describe()
    {
        var features = PoolFeatures.Snapshots | PoolFeatures.PausesWriters | PoolFeatures.RootOwnership | PoolFeatures.RestoresInPlace;
        var description = new PoolDescription(
            _settings.Name, _directory.Identity.Id, "overlay2", _settings.Path, _quotas.AreEnforced ? features | PoolFeatures.HardLimits : features)
        {
            FileSystem = _directory.FileSystem.Kind.ToString().ToLowerInvariant(),
        };
        return _quotas.AreEnforced
            ? description
            : description with { Warnings = [$"sizes are advisory: {description.FileSystem} at {_settings.Path} has no project quota, so a volume may grow past its size"] };
    }

    // A crash of the host between two records may leave a snapshot that names a volume's head: it must not be written to any more. Where it is mounted
    // it can't be helped yet; it gets a new head before it is mounted again.
    private void SealSharedHeads()
    {
        foreach (var volume in _volumes.Records.Where(IsHeadShared).ToList())
        {
            if (_layers.IsMounted(volume.Head))
                _logger.SharedHeadMounted(volume.Key);
            else
                SealHead(volume);
        }
    }

    // The volume itself is one.
    private bool IsHeadShared(OverlayVolumeRecord volume) => _layers.References.CountOf(volume.Head) > 1;

    private Task<TrashOutcome> RemoveFromTrashAsync(SafeFileHandle trash, string name, CancellationToken cancellationToken)
    {
        // A layer may have been the head of a volume that some mount namespace still has mounted.
        if (Files.TryStatAt(trash, name) is { Kind: FileKind.Directory } && _layers.IsMountedInTrash(name))
            return Task.FromResult(TrashOutcome.InUse);
        TreeRemoval.Remove(trash, name, cancellationToken);
        _layers.Reclaimed(name);
        if (LayerStore.TryGetDiscarded(name, out var layer))
            _usage.Reclaimed(layer);
        return Task.FromResult(TrashOutcome.Removed);
    }

    // A layer is a tree and what overlayfs needs beside it; all else in the trash are records, which hold no directories.
    private long? WeighTrash(TrashEntry entry) =>
        entry.Trees.Count == 0 ? 0
        : entry.Trees.All(tree => tree is LayerStore.Diff or LayerStore.Work) && LayerStore.TryGetDiscarded(entry.Name, out var layer) ? _usage.OfDiscarded(layer, entry.Directory)?.Bytes
        : null;

    private void Release(params IEnumerable<LayerId> layers)
    {
        if (!_mayReclaim)
            return;
        _layers.Release(layers);
        foreach (var layer in layers.Where(layer => !_layers.References.Contains(layer)))
            _usage.Discard(layer);
        _trash.Wake();
    }

    private Task<T> TranslateAsync<T>(string what, Func<Task<T>> operation) => _edge.RunAsync(what, operation);

    private Task TranslateAsync(string what, Func<Task> operation) => _edge.RunAsync(what, operation);
}
