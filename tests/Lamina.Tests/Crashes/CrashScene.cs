using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>What the clients of one run share: a daemon with one pool on a disk of its own, and the directories that a kubelet would have.</summary>
internal sealed class CrashScene : IAsyncDisposable
{
    private readonly IAsyncDisposable _disk;
    private int _count;

    private CrashScene(IAsyncDisposable disk, PoolOnDisk pool)
    {
        _disk = disk;
        Pool = pool;
        PoolId = pool.Id;
        var backend = pool.Backend.ToString().ToLowerInvariant();
        var place = pool.Backend == PoolBackend.Zfs ? "dataset" : "path";
        // However busy the machine: what is tested is not how long a pause takes.
        Daemon = new DaemonProcess($"--pools:scratch:backend={backend}", $"--pools:scratch:{place}={pool.Path}", "--pools:scratch:maxPause=00:00:30");
    }

    internal DaemonProcess Daemon { get; }

    internal string CsiSocket => Daemon.CsiSocket;

    internal PoolOnDisk Pool { get; }

    /// <summary>What a kubelet would call its own.</summary>
    internal string Kubelet { get; } = TestScratch.NewDirectory("kubelet");

    private string PoolId { get; }

    internal static async Task<CrashScene> CreateAsync(PoolBackend backend, FileSystemKind fileSystem)
    {
        var disk = await LoopDisk.CreateAsync(fileSystem, simpleQuotas: backend == PoolBackend.Btrfs);
        try
        {
            var settings = new PoolSettings { Name = PoolName.Default, Backend = backend, Path = Path.Combine(disk.MountPoint, "pool") };
            PoolInitializer.Initialize(settings);
            return new CrashScene(disk, new PoolOnDisk(backend, settings.Path));
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    internal static async Task<CrashScene> CreateAsync(ZfsFileSystem fileSystem)
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Zfs, Path = fileSystem.NewDataset() };
        await PoolInitializer.InitializeAsync(settings, null, CancellationToken.None);
        return new CrashScene(new OwnDataset(settings.Path), new PoolOnDisk(PoolBackend.Zfs, settings.Path));
    }

    /// <summary>The id that an object of that name has.</summary>
    internal string IdOf(string name) => $"{PoolId}.{name}";

    internal string NewStagingPath(string volume)
    {
        var path = Path.Combine(Kubelet, $"{volume}-{Interlocked.Increment(ref _count)}-staging");
        Directory.CreateDirectory(path);
        return path;
    }

    internal string NewTargetPath(string volume)
    {
        var parent = Path.Combine(Kubelet, $"{volume}-{Interlocked.Increment(ref _count)}-pod");
        Directory.CreateDirectory(parent);
        return Path.Combine(parent, "mount");
    }

    /// <summary>Stages and publishes a volume, works in it, and takes it away again.</summary>
    internal async Task UseAsync(CsiConnection connection, string volume, Action<string> work)
    {
        var name = volume[(PoolId.Length + 1)..];
        var (staging, target) = (NewStagingPath(name), NewTargetPath(name));
        await connection.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging));
        await connection.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, target));
        work(target);
        await connection.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target });
        await connection.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        MountCleanup.UnmountBeneath(Kubelet);
        MountCleanup.UnmountBeneath(Daemon.Root);
        await _disk.DisposeAsync();
    }

    private sealed class OwnDataset(string name) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(ZfsFileSystem.DestroyAsync(name));
    }
}
