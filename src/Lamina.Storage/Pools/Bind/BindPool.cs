using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Bind;

/// <summary>
/// Host directories served as volumes. The pool holds the records and nothing else: a volume has no size and no snapshots, and to delete it
/// leaves the directory as it is.
/// </summary>
internal sealed class BindPool : IPool
{
    private readonly PoolEdge _edge;
    private readonly BindSources _sources;
    private readonly PoolDirectory _directory;
    private readonly ObjectDirectory<BindVolumeRecord> _volumes;
    private readonly TrashReclaimer _trash;

    private BindPool(PoolSettings settings, BindSources sources, PoolDirectory directory, TimeProvider time, ILogger logger)
    {
        _edge = new PoolEdge(settings);
        _sources = sources;
        _directory = directory;
        _volumes = new ObjectDirectory<BindVolumeRecord>(directory, "volumes", () => BindRecordJson.Default.BindVolumeRecord);
        _trash = new TrashReclaimer(directory, settings.Name, RemoveFromTrashAsync, time, logger);
        Description = new PoolDescription(settings.Name, directory.Identity.Id, "bind", settings.Path, PoolFeatures.HostDirectories)
        {
            FileSystem = directory.FileSystem.Kind.ToString().ToLowerInvariant(),
        };
    }

    /// <inheritdoc/>
    public PoolDescription Description { get; }

    /// <summary>Opens a pool that was made before.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static BindPool Open(PoolSettings settings, BindSources sources, TimeProvider time, ILogger logger) =>
        new(settings, sources, PoolDirectory.Open(settings), time, logger);

    /// <summary>Makes a new pool in an empty directory.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: the directory is not empty.</exception>
    internal static void Initialize(PoolSettings settings) => PoolDirectory.Initialize(settings);

    /// <inheritdoc/>
    public async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var unreadable = _volumes.Load(cancellationToken);
            _directory.DiscardIncoming();
            if (unreadable.IsEmpty)
                _trash.Start();
            return new PoolContents([.. _volumes.Records.Select(record => record.Volume)], [], unreadable);
        }
        catch (LinuxException e)
        {
            throw _edge.Unreadable(e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _directory.FindProblems();

    /// <inheritdoc/>
    public PoolFigures GetFigures() => _edge.Run("look at the pool", () => _directory.GetFigures(entry => entry.Trees.Count == 0 ? 0 : null));

    /// <inheritdoc/>
    public PoolCapacity GetCapacity() => _edge.Run("measure the room", () => _directory.Capacity);

    /// <inheritdoc/>
    public Task CreateVolumeAsync(Volume volume, VolumeContent source) => TranslateAsync($"create volume '{volume.Name}'", () =>
    {
        if (source is not VolumeContent.Empty)
            throw NoSnapshots();
        _volumes.CheckFree(volume.Id.Key);
        _sources.Resolve(SourceOf(volume));
        using var staging = new StagedObject(_directory);
        _volumes.Publish(staging, new BindVolumeRecord(PoolDirectory.Format, volume));
    });

    /// <inheritdoc/>
    /// <remarks>Only the record: others may use the directory by its own path, and what is mounted of it stays true.</remarks>
    public Task DeleteVolumeAsync(Volume volume) => TranslateAsync($"delete volume '{volume.Name}'", () =>
    {
        _volumes.Discard(_volumes.Get(volume.Id.Key).Key);
        _trash.Wake();
    });

    /// <inheritdoc/>
    public Task ResizeVolumeAsync(Volume resized) =>
        throw new StorageException(StorageError.Unsupported, $"volume {resized.Id} is a directory of the host: it has no size");

    /// <inheritdoc/>
    public Task ModifyVolumeAsync(Volume modified) =>
        throw new StorageException(StorageError.Unsupported, $"volume {modified.Id} is a directory of the host: it has no attributes");

    /// <inheritdoc/>
    public Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => throw NoSnapshots();

    /// <inheritdoc/>
    public Task DeleteSnapshotAsync(Snapshot snapshot) => throw NoSnapshots();

    /// <inheritdoc/>
    /// <remarks>The directory is judged again: it may have become a link since, or its root may not be allowed any more.</remarks>
    public Task<MountDescription> AttachAsync(Volume volume) => TranslateAsync<MountDescription>($"attach volume '{volume.Name}'", () =>
    {
        try
        {
            return _sources.Resolve(SourceOf(_volumes.Get(volume.Id.Key).Volume));
        }
        catch (StorageException e) when (e.Error is StorageError.InvalidArgument)
        {
            throw new StorageException(StorageError.FailedPrecondition, $"can't attach volume {volume.Id}: {e.Message}", e);
        }
    });

    /// <inheritdoc/>
    public void FoundAttached(Volume volume)
    {
    }

    /// <inheritdoc/>
    public Task DetachedAsync(Volume volume) => Task.CompletedTask;

    /// <inheritdoc/>
    public VolumeUsage? GetUsage(Volume volume) => null;

    /// <inheritdoc/>
    public SnapshotUsage? GetUsage(Snapshot snapshot) => null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _trash.DisposeAsync().ConfigureAwait(false);
        _volumes.Dispose();
        _directory.Dispose();
    }

    private static MountTarget SourceOf(Volume volume) => volume.Parameters.Source
        ?? throw new StorageException(StorageError.InvalidArgument, $"volume '{volume.Name}' names no host directory: give one by the parameter 'source'");

    private static StorageException NoSnapshots() => new(StorageError.Unsupported, "bind volumes are directories of the host: they have no snapshots or clones");

    private static Task<TrashOutcome> RemoveFromTrashAsync(SafeFileHandle trash, string name, CancellationToken cancellationToken)
    {
        TreeRemoval.Remove(trash, name, cancellationToken);
        return Task.FromResult(TrashOutcome.Removed);
    }

    private Task TranslateAsync(string what, Action operation) => _edge.RunAsync(what, () => Task.Run(operation));

    private Task<T> TranslateAsync<T>(string what, Func<T> operation) => _edge.RunAsync(what, () => Task.Run(operation));
}
