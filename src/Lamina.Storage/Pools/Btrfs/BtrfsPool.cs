using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools.Directories;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// A pool of Btrfs subvolumes: <c>volumes/&lt;key&gt;/data</c> is one, <c>snapshots/&lt;key&gt;/data</c> a read-only one. All that makes, copies and
/// destroys them are single requests to the kernel, whatever the size.
/// </summary>
/// <remarks>
/// <para>A subvolume is made in <c>incoming/</c> and appears with the directory around it, as a read-only one can't be renamed itself. A snapshot
/// is cut from a volume in use by one commit of the filesystem, so nobody has to be stopped for it.</para>
/// <para>Files are split by topic: this one holds the life of the pool, the others its volumes, its snapshots, its trash, and what they use.</para>
/// </remarks>
internal sealed partial class BtrfsPool : IPool
{
    private const string Data = "data";

    private readonly PoolSettings _settings;
    private readonly PoolEdge _edge;
    private readonly TimeProvider _time;
    private readonly PoolDirectory _directory;

    // Where the pool's image lies, if it has one. By descriptor, as somebody may move the image while it is mounted.
    private readonly SafeFileHandle? _disk;
    private readonly SimpleQuotas _quotas;
    private readonly SubvolumeMounts _mounts;
    private readonly Families _families = new();
    private readonly ObjectDirectory<BtrfsVolumeRecord> _volumes;
    private readonly ObjectDirectory<BtrfsSnapshotRecord> _snapshots;
    private readonly TrashReclaimer _trash;

    // Limits are also changed behind the scenes, when snapshots are gone: this is what keeps that apart from the calls.
    private readonly KeyedLocks _records = new();

    private BtrfsPool(PoolSettings settings, PoolDirectory directory, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _edge = new PoolEdge(settings);
        _time = time;
        _directory = directory;
        _disk = settings.Image is { } image ? Files.OpenDirectory(Path.GetDirectoryName(image)!) : null;
        _quotas = new SimpleQuotas(directory, settings);
        _mounts = new SubvolumeMounts(directory);
        _volumes = new ObjectDirectory<BtrfsVolumeRecord>(directory, "volumes", () => BtrfsRecordJson.Default.BtrfsVolumeRecord);
        _snapshots = new ObjectDirectory<BtrfsSnapshotRecord>(directory, "snapshots", () => BtrfsRecordJson.Default.BtrfsSnapshotRecord);
        _trash = new TrashReclaimer(directory, settings.Name, RemoveFromTrashAsync, time, logger, EndRoundAsync);
        Description = Describe();
    }

    /// <inheritdoc/>
    public PoolDescription Description { get; }

    /// <summary>The directory that it lies in, for what lies there beside it.</summary>
    internal PoolDirectory Directory => _directory;

    /// <summary>Opens a pool that was made before; mounts its image first, where it has one.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static BtrfsPool Open(PoolSettings settings, TimeProvider time, ILogger logger)
    {
        if (settings.Image is not null)
            BtrfsImage.EnsureMounted(settings);
        var directory = PoolDirectory.Open(settings);
        try
        {
            if (directory.FileSystem.Kind != FileSystemKind.Btrfs)
                throw new StorageException(StorageError.Unavailable, $"{settings.Path} is not on Btrfs (it is on {NameOf(directory.FileSystem)}); is its disk mounted?");
            return new BtrfsPool(settings, directory, time, logger);
        }
        catch (Exception e)
        {
            directory.Dispose();
            if (e is LinuxException linux)
                throw new StorageException(StorageError.Unavailable, $"the pool at {settings.Path} can't be opened: {linux.Message}", linux);
            throw;
        }
    }

    /// <summary>Makes a new pool in an empty directory on a Btrfs.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: another filesystem. <see cref="StorageError.FailedPrecondition"/>: something is there already.
    /// </exception>
    internal static void Initialize(PoolSettings settings)
    {
        // The directory need not exist yet, and is not made where the pool can't be.
        var existing = settings.Path;
        while (Files.TryStat(existing) is null && Path.GetDirectoryName(existing) is { Length: > 0 } parent)
            existing = parent;
        if (Files.StatFs(existing) is { Kind: not FileSystemKind.Btrfs } other)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"{settings.Path} lies on {NameOf(other)}: a btrfs pool needs a directory on Btrfs, or an image of its own (name an image file and its size). "
                + "An overlay2 pool works on any filesystem");
        }
        PoolDirectory.Initialize(settings);
    }

    /// <inheritdoc/>
    public async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var unreadable = _volumes.Load(cancellationToken).AddRange(_snapshots.Load(cancellationToken));
            foreach (var family in _volumes.Records.Select(record => record.Family).Concat(_snapshots.Records.Select(record => record.Family)))
                _families.Add(family);
            _directory.DiscardIncoming();
            LoadTrash();
            AdoptVolumes();

            // What an unreadable record names can't be known, so nothing is given up while there is one.
            if (unreadable.IsEmpty)
            {
                _quotas.AbandonAllBut(_volumes.Records.Select(record => record.Group).OfType<ulong>());
                foreach (var volume in _volumes.Records.ToList())
                    await TightenAsync(volume.Key).ConfigureAwait(false);
                _quotas.RemoveAbandoned();
                _trash.Start();
            }
            return new PoolContents(
                [.. _volumes.Records.Select(record => record.Volume)], [.. _snapshots.Records.Select(record => record.Snapshot)], unreadable);
        }
        catch (LinuxException e)
        {
            throw _edge.Unreadable(e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems()
    {
        try
        {
            return [.. _directory.FindProblems(), .. Linux.Btrfs.GetInfo(_directory.Root).Devices.Select(ProblemOf).OfType<string>()];
        }
        catch (LinuxException e)
        {
            return [$"the filesystem at {_settings.Path} can't be looked at: {e.Message}; see the kernel log (dmesg)"];
        }
    }

    /// <inheritdoc/>
    public PoolCapacity GetCapacity() => _edge.Run("measure the room", () =>
    {
        var capacity = _directory.Capacity;
        // An image is sparse: the disk that it lies on may be fuller than it.
        return _disk is not null && Files.StatFs(_disk).AvailableBytes is var room && room < (ulong)capacity.Available.Bytes
            ? capacity with { Available = new ByteSize((long)room) }
            : capacity;
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _trash.DisposeAsync().ConfigureAwait(false);
        _volumes.Dispose();
        _snapshots.Dispose();
        _disk?.Dispose();
        _directory.Dispose();
    }

    /// <summary>Somebody else has put something into the trash.</summary>
    internal void WakeTrash() => _trash.Wake();

    private string? ProblemOf(BtrfsDevice device)
    {
        if (device.Path.Length == 0)
            return $"the filesystem at {_settings.Path} is degraded: its device {device.Id} is missing; bring it back, or: btrfs replace start {device.Id} NEW-DEVICE {_settings.Path}";
        if (!device.HasErrors)
            return null;
        (string What, ulong Count)[] errors =
            [("writes", device.WriteErrors), ("reads", device.ReadErrors), ("flushes", device.FlushErrors), ("wrong checksums", device.CorruptionErrors), ("lost writes", device.GenerationErrors)];
        return $"{device.Path} has failed ({string.Join(", ", errors.Where(error => error.Count > 0).Select(error => $"{error.What}: {error.Count}"))}); "
            + $"see the kernel log (dmesg), then: btrfs scrub start {_settings.Path}, and when all is well: btrfs device stats --reset {_settings.Path}";
    }

    private PoolDescription Describe()
    {
        var features = PoolFeatures.Snapshots | PoolFeatures.Compression | PoolFeatures.NoCopyOnWrite | PoolFeatures.RootOwnership | PoolFeatures.RestoresInPlace;
        return new PoolDescription(
            _settings.Name, _directory.Identity.Id, "btrfs", _settings.Path, _quotas.AreEnforced ? features | PoolFeatures.HardLimits : features)
        {
            FileSystem = "btrfs",
            MutableAttributes = [VolumeAttributes.CompressionKey],
            Warnings = _quotas.Problem is { } problem ? [$"sizes are advisory, so a volume may grow past its size: {problem}"] : [],
        };
    }

    // Volumes that were made before there were quotas, or before the pool was copied to another filesystem.
    private void AdoptVolumes()
    {
        if (!_quotas.AreEnforced)
            return;
        var groups = _quotas.List();
        foreach (var record in _volumes.Records.Where(record => record.Group is not { } group || !groups.Contains(group)).ToList())
        {
            try
            {
                using var data = OpenData(record);
                _volumes.Replace(record with { Group = _quotas.Adopt(data, record.Volume.Size) });
            }
            catch (StorageException)
            {
                // Nothing that could be limited. Whoever wants to use the volume is told.
            }
        }
    }

    private SafeFileHandle OpenData(BtrfsVolumeRecord record)
    {
        using var directory = _volumes.Open(record.Key);
        return OpenData(directory, $"volume {record.Volume.Id}");
    }

    private SafeFileHandle OpenData(BtrfsSnapshotRecord record)
    {
        using var directory = _snapshots.Open(record.Key);
        return OpenData(directory, $"snapshot {record.Snapshot.Id}");
    }

    private SafeFileHandle OpenData(SafeFileHandle directory, string what)
    {
        if (Files.TryStatAt(directory, Data) is { Kind: FileKind.Directory })
        {
            var data = Files.OpenDirectoryAt(directory, Data);
            if (Linux.Btrfs.IsSubvolume(data))
                return data;
            data.Dispose();
        }
        throw new StorageException(StorageError.DataLoss,
            $"{what} in pool '{_settings.Name}' has no subvolume '{Data}' beside its record, as after a copy of the pool by a tool that does not know Btrfs; nothing was touched");
    }

    private Task<IDisposable> LockRecordAsync(ObjectKey key) => _records.AcquireAsync([LockKey.Volume(key)], CancellationToken.None);

    private static string NameOf(FileSystemStatus fileSystem) => fileSystem.Kind.ToString().ToLowerInvariant();

    private Task<T> TranslateAsync<T>(string what, Func<Task<T>> operation) => _edge.RunAsync(what, operation);

    private Task TranslateAsync(string what, Func<Task> operation) => _edge.RunAsync(what, operation);
}
