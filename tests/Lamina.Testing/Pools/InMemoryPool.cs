using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;

namespace Lamina.Testing.Pools;

/// <summary>
/// The plainest pool that keeps the specification of <see cref="IPool"/>: a dictionary of directories, each copied whole for a snapshot. For
/// tests of what lies above the pools, and to show that the specification does not ask for what only one backend has.
/// </summary>
public class InMemoryPool : IPool
{
    private bool _isOpen = true;

    /// <summary>Opens the pool of a store.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it is open already.</exception>
    public InMemoryPool(InMemoryStore store, PoolName? name = null)
    {
        Store = store;
        if (!TryLock())
            throw new StorageException(StorageError.Unavailable, "another pool is open on this store");
        Description = new PoolDescription(
            name ?? PoolName.Default, store.Id, "memory", TestScratch.Root, PoolFeatures.Snapshots | PoolFeatures.RootOwnership | PoolFeatures.RestoresInPlace)
        {
            MutableAttributes = [VolumeAttributes.CompressionKey],
        };
    }

    /// <inheritdoc/>
    public PoolDescription Description { get; }

    /// <summary>What it keeps.</summary>
    protected InMemoryStore Store { get; }

    /// <inheritdoc/>
    public virtual Task<PoolContents> LoadAsync(CancellationToken cancellationToken) => Task.FromResult(new PoolContents(
        [.. Store.Volumes.Values.Select(entry => entry.Volume)], [.. Store.Snapshots.Values.Select(entry => entry.Snapshot)], []));

    /// <inheritdoc/>
    public virtual PoolCapacity GetCapacity()
    {
        var status = Files.StatFs(TestScratch.Root);
        return new PoolCapacity(new ByteSize((long)status.TotalBytes), new ByteSize((long)status.AvailableBytes));
    }

    /// <inheritdoc/>
    public virtual async Task CreateVolumeAsync(Volume volume, VolumeContent source)
    {
        if (Store.Volumes.ContainsKey(volume.Id.Key))
            throw Taken(volume.Id.Key);
        var data = source switch
        {
            VolumeContent.OfSnapshot of => await CopyAsync(Store.Snapshots[of.Snapshot.Id.Key].Data),
            VolumeContent.OfVolume of => await CopyAsync(Store.Volumes[of.Volume.Volume.Id.Key].Data),
            _ => NewRoot(),
        };
        using (var root = Files.OpenDirectory(data))
        {
            var (status, wanted) = (Files.Stat(root), volume.Parameters);
            Files.ChangeOwner(root, wanted.Uid ?? status.Uid, wanted.Gid ?? status.Gid);
            Files.ChangeMode(root, wanted.Mode ?? status.Mode);
        }
        if (!Store.Volumes.TryAdd(volume.Id.Key, (volume, data)))
            throw Taken(volume.Id.Key);
    }

    /// <inheritdoc/>
    public virtual Task DeleteVolumeAsync(Volume volume)
    {
        CheckNotMounted(Store.Volumes[volume.Id.Key].Data);
        Store.Volumes.TryRemove(volume.Id.Key, out var removed);
        Remove(removed.Data);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual async Task RestoreVolumeAsync(Volume volume, Snapshot snapshot)
    {
        var old = Store.Volumes[volume.Id.Key].Data;
        CheckNotMounted(old);
        Store.Volumes[volume.Id.Key] = (volume, await CopyAsync(Store.Snapshots[snapshot.Id.Key].Data));
        Remove(old);
    }

    /// <inheritdoc/>
    public virtual Task ResizeVolumeAsync(Volume resized)
    {
        Store.Volumes[resized.Id.Key] = (resized, Store.Volumes[resized.Id.Key].Data);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task ModifyVolumeAsync(Volume modified)
    {
        Store.Volumes[modified.Id.Key] = (modified, Store.Volumes[modified.Id.Key].Data);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume) => Store.Snapshots.ContainsKey(snapshot.Id.Key)
        ? throw Taken(snapshot.Id.Key)
        : Task.FromResult<ISnapshotCut>(new SnapshotCut(this, snapshot, volume));

    /// <inheritdoc/>
    public virtual Task DeleteSnapshotAsync(Snapshot snapshot)
    {
        Store.Snapshots.TryRemove(snapshot.Id.Key, out var removed);
        Remove(removed.Data);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task<MountDescription> AttachAsync(Volume volume)
    {
        var data = Store.Volumes[volume.Id.Key].Data;
        return Task.FromResult<MountDescription>(new MountDescription.Bind(Path.GetDirectoryName(data)!, Path.GetFileName(data)));
    }

    /// <inheritdoc/>
    public virtual void FoundAttached(Volume volume)
    {
    }

    /// <inheritdoc/>
    public virtual Task DetachedAsync(Volume volume) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual VolumeUsage? GetUsage(Volume volume) => null;

    /// <inheritdoc/>
    public virtual SnapshotUsage? GetUsage(Snapshot snapshot) => null;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_isOpen)
            Unlock();
        _isOpen = false;
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes a snapshot appear.</summary>
    protected virtual Snapshot Publish(Snapshot snapshot, string data) =>
        Store.Snapshots.TryAdd(snapshot.Id.Key, (snapshot, data)) ? snapshot : throw Taken(snapshot.Id.Key);

    /// <summary>A directory as a new volume has it.</summary>
    protected static string NewRoot()
    {
        var path = TestScratch.NewDirectory("data");
        using var root = Files.OpenDirectory(path);
        Files.ChangeMode(root, 0x1ED);
        return path;
    }

    /// <summary>A copy with all that a file has.</summary>
    protected static async Task<string> CopyAsync(string data)
    {
        var copy = TestScratch.NewDirectory("data");
        var result = await ChildProcess.RunAsync("cp", ["--archive", "--reflink=auto", "--no-target-directory", data, copy], CancellationToken.None);
        return result.Succeeded ? copy : throw new StorageException(StorageError.Internal, $"cp {data}: {result.Error}");
    }

    /// <summary>Takes the place of the one pool.</summary>
    protected virtual bool TryLock() => Store.OnePool.Wait(0, CancellationToken.None);

    /// <summary>Gives it back.</summary>
    protected virtual void Unlock() => Store.OnePool.Release();

    private static void Remove(string data)
    {
        using var parent = Files.OpenDirectory(Path.GetDirectoryName(data)!);
        TreeRemoval.Remove(parent, Path.GetFileName(data), CancellationToken.None);
    }

    private static void CheckNotMounted(string data)
    {
        foreach (var pid in ProcessTable.List())
        {
            if (TryRead(pid)?.Entries.FirstOrDefault(entry => entry.Root.Length > 1 && data.EndsWith(entry.Root, StringComparison.Ordinal)) is { } mount)
                throw new StorageException(StorageError.FailedPrecondition, $"{data} is mounted at {mount.MountPoint}, as process {pid} sees it") { ChangedNothing = true };
        }
    }

    private static MountTable? TryRead(int pid)
    {
        try
        {
            return MountTable.Read(pid);
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    private static StorageException Taken(ObjectKey key) => new(StorageError.AlreadyExists, $"there is a '{key}' already");

    /// <summary>Copies the volume's directory, which is one of the host's disk: who writes to it can't be told from others, so nobody is stopped.</summary>
    private sealed class SnapshotCut(InMemoryPool pool, Snapshot snapshot, VolumeInUse volume) : ISnapshotCut
    {
        private string? _data;

        public VolumeId Volume => volume.Volume.Id;

        public string? MountPoint => null;

        public bool StopsWriters => false;

        public PauseLimits Limits => new(true, TimeSpan.FromMinutes(1));

        public void Prepare()
        {
        }

        public void Cut(WritePoint point)
        {
            RemoveData();
            _data = CopyAsync(pool.Store.Volumes[volume.Volume.Id.Key].Data).GetAwaiter().GetResult();
        }

        public void Finish()
        {
        }

        public Task<Snapshot> PublishAsync(CutMoment moment)
        {
            var published = pool.Publish(snapshot with { CreatedAt = moment.At, Pause = moment.Pause }, _data!);
            _data = null;
            return Task.FromResult(published);
        }

        public ValueTask DisposeAsync()
        {
            RemoveData();
            return ValueTask.CompletedTask;
        }

        private void RemoveData()
        {
            if (_data is { } data)
                Remove(data);
            _data = null;
        }
    }
}
