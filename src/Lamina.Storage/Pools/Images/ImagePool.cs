using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// Adds to a pool of files the volumes whose data is one sparse file of the volume's size: raw block volumes, and volumes with a filesystem of
/// their own. All other volumes are the inner pool's.
/// </summary>
/// <remarks>
/// <para>They lie in the same pool directory, in <c>image-volumes/&lt;key&gt;/</c> and <c>image-snapshots/&lt;key&gt;/</c>: the record, and beside it the
/// <c>image</c>. <c>incoming/</c> and <c>trash/</c> are the pool's own. A key is used by one volume of the pool, of whatever sort.</para>
/// <para>A copy shares its source's blocks where the filesystem beneath can, and costs the same at any size; else it copies the data. What is in
/// use is cut by sharing alone: the kernel shares all blocks of a file at one moment, while a copy would be torn.</para>
/// <para>A filesystem is made, checked and given its identity in <c>incoming/</c>, on the file. Nothing is ever formatted later. The image is a loop
/// device only while the volume is attached.</para>
/// <para>Files are split by topic: this one holds the life of the pool, the others its volumes, and how images come about.</para>
/// </remarks>
internal sealed partial class ImagePool : IPool
{
    private const string Image = "image";
    private const string VolumesName = "image-volumes";
    private const string SnapshotsName = "image-snapshots";

    private readonly IPool _inner;
    private readonly PoolSettings _settings;
    private readonly PoolEdge _edge;
    private readonly PoolDirectory _directory;
    private readonly Action _wakeTrash;
    private readonly WriterPauses _pauses;
    private readonly CutRunner _cuts;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ImmutableArray<VolumeFileSystem> _fileSystems = ImageTools.Installed();
    private readonly ObjectDirectory<ImageVolumeRecord> _volumes;
    private readonly ObjectDirectory<ImageSnapshotRecord> _snapshots;
    private bool? _sharesBlocks;

    /// <param name="inner">The pool of all other volumes. It ends with this one.</param>
    /// <param name="settings">The pool's settings.</param>
    /// <param name="directory">Its directory, which is the inner pool's.</param>
    /// <param name="wakeTrash">Tells the inner pool that there is something in the trash.</param>
    /// <param name="pauses">Freezes filesystems.</param>
    /// <param name="cuts">Takes cuts.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where copies are reported.</param>
    internal ImagePool(IPool inner, PoolSettings settings, PoolDirectory directory, Action wakeTrash, WriterPauses pauses, CutRunner cuts, TimeProvider time, ILogger logger)
    {
        _inner = inner;
        _settings = settings;
        _edge = new PoolEdge(settings);
        _directory = directory;
        _wakeTrash = wakeTrash;
        _pauses = pauses;
        _cuts = cuts;
        _time = time;
        _logger = logger;
        // A pool that was made before there were image volumes gets them now.
        foreach (var name in (ReadOnlySpan<string>)[VolumesName, SnapshotsName])
            Files.TryMakeDirectory(directory.Root, name, 0x1C0);
        _volumes = new ObjectDirectory<ImageVolumeRecord>(directory, VolumesName, () => ImageRecordJson.Default.ImageVolumeRecord);
        _snapshots = new ObjectDirectory<ImageSnapshotRecord>(directory, SnapshotsName, () => ImageRecordJson.Default.ImageSnapshotRecord);
    }

    /// <inheritdoc/>
    public PoolDescription Description
    {
        get
        {
            var description = _inner.Description;
            return description with { Features = description.Features | PoolFeatures.BlockVolumes, FileSystems = _fileSystems };
        }
    }

    /// <summary>Whether a path is that of a volume's image, in whatever pool, or was before it was deleted.</summary>
    internal static bool IsImageOf(ObjectKey volume, string path) => path.Replace(" (deleted)", "", StringComparison.Ordinal).EndsWith($"/{VolumesName}/{volume}/{Image}", StringComparison.Ordinal);

    /// <inheritdoc/>
    public async Task<PoolContents> LoadAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            // Before the inner pool empties incoming/ and trash/: an image that goes must not go on as a device.
            var path = Files.CurrentPath(_directory.Root);
            ImageDevice.DetachStray(Files.Stat(_directory.Root).Device, [.. new[] { VolumesName, SnapshotsName, "incoming", "trash" }.Select(name => Path.Combine(path, name))]);
            var unreadable = _volumes.Load(cancellationToken).AddRange(_snapshots.Load(cancellationToken));
            var contents = await _inner.LoadAsync(cancellationToken).ConfigureAwait(false);
            return new PoolContents(
                contents.Volumes.AddRange(_volumes.Records.Select(record => record.Volume)),
                contents.Snapshots.AddRange(_snapshots.Records.Select(record => record.Snapshot)),
                contents.Unreadable.AddRange(unreadable));
        }
        catch (LinuxException e)
        {
            throw _edge.Unreadable(e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _inner.FindProblems();

    /// <inheritdoc/>
    public PoolFigures GetFigures() => _inner.GetFigures();

    /// <inheritdoc/>
    public PoolCapacity GetCapacity() => _inner.GetCapacity();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _volumes.Dispose();
        _snapshots.Dispose();
        await _inner.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Whether files of the pool can share blocks; asked once, with two files that have no name.</summary>
    private bool SharesBlocks()
    {
        if (_sharesBlocks is { } known)
            return known;
        using var source = Files.OpenAt(_directory.Incoming, ".", OpenFlags.ReadWrite | OpenFlags.TmpFile, 0x180);
        using var target = Files.OpenAt(_directory.Incoming, ".", OpenFlags.ReadWrite | OpenFlags.TmpFile, 0x180);
        _sharesBlocks = Files.TryReflink(source, target);
        return _sharesBlocks.Value;
    }

    private static SafeFileHandle Make(SafeFileHandle directory, string name) =>
        Files.OpenAt(directory, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, 0x180);

    // A volume of the other sort, even one whose record can't be read.
    private void CheckFreeElsewhere(string directory, ObjectKey key)
    {
        using var objects = Files.OpenDirectoryAt(_directory.Root, directory);
        if (Files.TryStatAt(objects, key.ToString()) is not null)
            throw new StorageException(StorageError.AlreadyExists, $"'{directory}/{key}' exists already in the pool at {_settings.Path}");
    }

    /// <summary>What an object's image takes on the disk; null when it is not there.</summary>
    private ByteSize? TakenBy<TRecord>(ObjectDirectory<TRecord> objects, ObjectKey key)
        where TRecord : class, IPoolRecord =>
        _edge.Run<ByteSize?>($"measure '{key}'", () =>
            objects.Find(key) is not null && Files.TryStat(Path.Combine(objects.PathOf(key), Image)) is { } status ? new ByteSize(status.Blocks * 512) : null);

    private static SafeFileHandle OpenImage<TRecord>(ObjectDirectory<TRecord> objects, ObjectKey key, string what, OpenFlags flags = OpenFlags.ReadOnly)
        where TRecord : class, IPoolRecord
    {
        using var directory = objects.Open(key);
        try
        {
            return Files.OpenAt(directory, Image, flags | OpenFlags.NoFollow);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            throw new StorageException(StorageError.DataLoss, $"{what} has no '{Image}' beside its record; nothing was touched", e);
        }
    }
}
