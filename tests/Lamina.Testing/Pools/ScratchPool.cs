using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Pools;

/// <summary>
/// A pool for one test, as its daemon has it: opened, closed and opened again as by restarts, its volumes mounted and written to. In the end
/// nothing is mounted any more.
/// </summary>
public abstract class ScratchPool : IAsyncDisposable
{
    private static int s_reads;
    private readonly Dictionary<VolumeId, MountedVolume> _mounted = [];
    private IPool? _pool;

    protected ScratchPool()
    {
        Pauses = new WriterPauses(TestScratch.NewDirectory("run"), null, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        Cuts = new CutRunner(Pauses, TimeProvider.System, NullLogger<CutRunner>.Instance);
    }

    /// <summary>The pool, open.</summary>
    public IPool Pool => _pool ?? throw new InvalidOperationException("The pool is closed.");

    /// <summary>Takes cuts.</summary>
    public CutRunner Cuts { get; }

    /// <summary>What the last load found.</summary>
    public PoolContents Contents { get; private set; } = new([], [], []);

    /// <summary>The directory that the pool lies in; null for one that has none.</summary>
    public virtual string? Directory => null;

    /// <summary>Stops writers.</summary>
    protected WriterPauses Pauses { get; }

    /// <summary>Whether what is available in the pool changes by what the pool does and nothing else.</summary>
    public virtual bool HasSpaceOfItsOwn => Directory is not null;

    /// <summary>Opens the pool once more, by the side of the one that is open or not, as another daemon would.</summary>
    public abstract IPool OpenAnother();

    /// <summary>A compression that its volumes can have.</summary>
    public virtual string SomeCompression => "zstd";

    /// <summary>Whether what is written in the last mebibytes before a limit takes a second or more for each.</summary>
    public virtual bool IsSlowNearLimits => false;

    /// <summary>Whether files in its volumes can have extended attributes.</summary>
    public virtual bool HasExtendedAttributes => true;

    /// <summary>The block devices that volumes of the pool are just now, in use.</summary>
    public virtual IReadOnlyList<string> ListDevices() => [];

    /// <summary>All that is in a raw device's snapshot.</summary>
    public virtual async Task<byte[]> ReadImageAsync(Snapshot snapshot)
    {
        var copy = await RestoreAsync(snapshot, $"read-{s_reads++}");
        var content = new byte[snapshot.Size!.Value.Bytes];
        await UseAsync(copy, mounted =>
        {
            using var device = Files.Open(mounted.Path, OpenFlags.ReadOnly);
            Files.Read(device, 0, content);
        });
        await Pool.DeleteVolumeAsync(copy);
        return content;
    }

    /// <summary>Parameters with which a volume can be made in the pool.</summary>
    public virtual VolumeParameters NewParameters() => VolumeParameters.None;

    /// <summary>Opens the pool and loads it.</summary>
    public async Task<PoolContents> OpenAsync()
    {
        var pool = OpenAnother();
        try
        {
            Contents = await pool.LoadAsync(CancellationToken.None);
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
        _pool = pool;
        foreach (var volume in Contents.Volumes.Where(volume => _mounted.ContainsKey(volume.Id)))
            pool.FoundAttached(volume);
        pool.FoundAllAttached();
        return Contents;
    }

    /// <summary>Lets go of the pool; mounts stay.</summary>
    public async Task CloseAsync()
    {
        if (_pool is { } pool)
            await pool.DisposeAsync();
        _pool = null;
    }

    /// <summary>The daemon ends and another one starts.</summary>
    public async Task<PoolContents> ReopenAsync()
    {
        await CloseAsync();
        return await OpenAsync();
    }

    /// <summary>The record of a volume that is to be made.</summary>
    public Volume NewVolume(string name, ByteSize? size = null, VolumeSource? source = null) => new()
    {
        Id = new VolumeId(Pool.Description.Id, ObjectKey.FromName(name)),
        Name = name,
        Size = size,
        CreatedSize = size,
        Source = source,
        Parameters = source is null ? NewParameters() : VolumeParameters.None,
        Door = Door.Cli,
        CreatedAt = TimeProvider.System.GetUtcNow(),
    };

    /// <summary>Makes an empty volume.</summary>
    public Task<Volume> CreateAsync(string name, ByteSize? size = null) => CreateAsync(NewVolume(name, size), new VolumeContent.Empty());

    /// <summary>Makes a volume from a snapshot, of the snapshot's size or another.</summary>
    public Task<Volume> RestoreAsync(Snapshot snapshot, string name, ByteSize? size = null) =>
        CreateAsync(NewVolume(name, size ?? snapshot.Size, VolumeSource.From(snapshot.Id)) with { Kind = snapshot.Kind, FileSystem = snapshot.FileSystem }, new VolumeContent.OfSnapshot(snapshot));

    /// <summary>Makes a volume from a volume.</summary>
    public Task<Volume> CloneAsync(Volume source, string name) =>
        CreateAsync(NewVolume(name, source.Size, VolumeSource.From(source.Id)) with { Kind = source.Kind, FileSystem = source.FileSystem }, new VolumeContent.OfVolume(InUse(source)));

    /// <summary>Makes a volume from its whole record.</summary>
    public async Task<Volume> CreateAsync(Volume volume, VolumeContent content)
    {
        await Pool.CreateVolumeAsync(volume, content);
        return volume;
    }

    /// <summary>The record of a snapshot that is to be cut.</summary>
    public Snapshot NewSnapshot(Volume volume, string name) => new()
    {
        Id = new SnapshotId(Pool.Description.Id, ObjectKey.FromName(name)),
        Name = name,
        SourceVolume = volume.Id,
        Kind = volume.Kind,
        FileSystem = volume.FileSystem,
        Size = volume.Size,
        Door = Door.Cli,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Cuts a snapshot.</summary>
    public async Task<Snapshot> SnapshotAsync(Volume volume, string name)
    {
        await using var cut = await Pool.BeginSnapshotAsync(NewSnapshot(volume, name), InUse(volume));
        return await cut.PublishAsync(await Cuts.RunAsync([cut]));
    }

    /// <summary>The volume with its use.</summary>
    public VolumeInUse InUse(Volume volume) => new(volume, _mounted.GetValueOrDefault(volume.Id)?.Path);

    /// <summary>Attaches a volume and mounts it.</summary>
    public async Task<MountedVolume> AttachAsync(Volume volume)
    {
        var mounted = MountedVolume.Mount(await Pool.AttachAsync(volume));
        _mounted.Add(volume.Id, mounted);
        return mounted;
    }

    /// <summary>Unmounts a volume.</summary>
    public Task DetachAsync(Volume volume)
    {
        if (_mounted.Remove(volume.Id, out var mounted))
            mounted.Dispose();
        return Pool.DetachedAsync(volume);
    }

    /// <summary>Does something with the mounted volume.</summary>
    public async Task UseAsync(Volume volume, Action<MountedVolume> use)
    {
        var mounted = await AttachAsync(volume);
        try
        {
            use(mounted);
        }
        finally
        {
            await DetachAsync(volume);
        }
    }

    /// <summary>Writes one file.</summary>
    public Task WriteAsync(Volume volume, string name, string content) => UseAsync(volume, mounted => File.WriteAllText(mounted.At(name), content));

    /// <summary>Reads one file; null when there is none.</summary>
    public async Task<string?> ReadAsync(Volume volume, string name)
    {
        string? content = null;
        await UseAsync(volume, mounted => content = File.Exists(mounted.At(name)) ? File.ReadAllText(mounted.At(name)) : null);
        return content;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var mounted in _mounted.Values)
            mounted.Dispose();
        _mounted.Clear();
        await CloseAsync();
        CleanUp();
        GC.SuppressFinalize(this);
    }

    /// <summary>Removes what the pool lay on.</summary>
    protected virtual void CleanUp()
    {
    }
}
