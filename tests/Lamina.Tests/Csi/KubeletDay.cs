using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.BadDays;

namespace Lamina.Tests.Csi;

/// <summary>
/// A kubelet and sidecars whose node has a bad day: the daemon is killed after every call, before anybody has heard its answer. So each call is made
/// again, of the daemon that comes after.
/// </summary>
internal sealed class KubeletDay : IAsyncDisposable
{
    private readonly IAsyncDisposable _place;
    private readonly DaemonProcess _daemon;
    private CsiConnection _connection;

    private KubeletDay(IAsyncDisposable place, DaemonProcess daemon)
    {
        _place = place;
        _daemon = daemon;
        _connection = new CsiConnection(daemon.CsiSocket);
    }

    /// <summary>What the daemon mounts and keeps until the next boot.</summary>
    internal string RuntimeDirectory => _daemon.RuntimeDirectory;

    /// <summary>Starts a daemon with a pool on a disk of its own.</summary>
    internal static async Task<KubeletDay> StartAsync(PoolBackend backend, FileSystemKind kind)
    {
        var disk = await LoopDisk.CreateAsync(kind);
        return await StartAsync(disk, PoolPlace.Make("pool", backend, disk).Arguments);
    }

    /// <summary>Starts a daemon with a ZFS pool.</summary>
    internal static async Task<KubeletDay> StartAsync(ZfsFileSystem fileSystem)
    {
        var dataset = fileSystem.NewDataset();
        return await StartAsync(new OwnDataset(dataset), await CsiPools.ZfsAsync("pool", dataset));
    }

    private static async Task<KubeletDay> StartAsync(IAsyncDisposable place, string[] arguments)
    {
        var day = new KubeletDay(place, new DaemonProcess([.. arguments, "--csi:nodeLocal=true"]));
        try
        {
            await day.StartAsync();
            return day;
        }
        catch
        {
            await day.DisposeAsync();
            throw;
        }
    }

    /// <summary>The kubelet's directory.</summary>
    internal string Directory { get; } = TestScratch.NewDirectory("kubelet");

    /// <summary>The staging directory of a volume, made as the kubelet makes it.</summary>
    internal string StagingOf(string name)
    {
        var path = Path.Combine(Directory, "plugins", name, "globalmount");
        System.IO.Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Where a pod gets its volume: the parent is made as the kubelet makes it.</summary>
    internal string TargetOf(string pod)
    {
        var parent = Path.Combine(Directory, "pods", pod, "volumes", "data");
        System.IO.Directory.CreateDirectory(parent);
        return Path.Combine(parent, "mount");
    }

    /// <summary>A call whose answer is the second one.</summary>
    internal async Task<T> CallAsync<T>(Func<CsiConnection, AsyncUnaryCall<T>> call)
    {
        var unheard = await call(_connection);
        _daemon.Kill();
        await StartAsync();
        var answer = await call(_connection);
        Assert.Equal(unheard, answer);
        return answer;
    }

    /// <summary>A call that is heard at once.</summary>
    internal async Task<T> AskAsync<T>(Func<CsiConnection, AsyncUnaryCall<T>> call) => await call(_connection);

    /// <summary>Starts the daemon again.</summary>
    internal async Task StartAsync()
    {
        _connection.Dispose();
        await _daemon.StartAsync();
        _connection = new CsiConnection(_daemon.CsiSocket);
    }

    /// <summary>The machine goes down: what was mounted is mounted no more, and what was in /run is gone. The daemon is not started again.</summary>
    internal void PowerOff()
    {
        _daemon.Kill();
        MountCleanup.UnmountBeneath(Directory);
        MountCleanup.UnmountBeneath(RuntimeDirectory);
        using var parent = Files.OpenDirectory(_daemon.Root);
        TreeRemoval.Remove(parent, Path.GetFileName(RuntimeDirectory), CancellationToken.None);
    }

    /// <summary>
    /// What the kubelet looks for before it unstages, in its own words 'device mount references': other mounts of what lies at the staging path. As long as
    /// there are any, it refuses to go on.
    /// </summary>
    internal static IReadOnlyList<string> ReferencesTo(string stagingPath)
    {
        var mounts = MountTable.Read().Entries;
        var covering = mounts.Last(mount => mount.MountPoint == "/" || stagingPath == mount.MountPoint || stagingPath.StartsWith(mount.MountPoint + "/", StringComparison.Ordinal));
        var root = Path.Join(covering.Root, stagingPath[covering.MountPoint.TrimEnd('/').Length..]).TrimEnd('/');
        return [.. mounts.Where(mount => mount != covering && mount.Device == covering.Device && mount.Root.TrimEnd('/') == root).Select(mount => mount.MountPoint)];
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        MountCleanup.UnmountBeneath(Directory);
        await _daemon.DisposeAsync();
        await _place.DisposeAsync();
    }

    private sealed class OwnDataset(string name) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(ZfsFileSystem.DestroyAsync(name));
    }
}
