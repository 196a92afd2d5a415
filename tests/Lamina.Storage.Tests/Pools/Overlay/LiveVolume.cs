using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Overlay;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>A mounted overlay as a pool would have it, to be cut while it is in use.</summary>
internal sealed class LiveVolume : IDisposable
{
    private readonly string _directory;
    private int _copies;

    /// <param name="directory">A scratch directory.</param>
    /// <param name="fillLower">Makes what lies in the layer below.</param>
    internal LiveVolume(string directory, Action<string>? fillLower = null)
    {
        _directory = directory;
        Lower = Make("lower");
        Upper = Make("upper");
        MountPoint = Make("mount");
        RuntimeDirectory = Make("run");
        fillLower?.Invoke(Lower);
        Mount(Upper, MountPoint, Lower);
    }

    internal string Lower { get; }

    internal string Upper { get; }

    internal string MountPoint { get; }

    internal string RuntimeDirectory { get; }

    internal PausedVolume Paused => PausedVolume.At("volume", MountPoint);

    internal WriterPauses Pauses => new(RuntimeDirectory, null, TimeProvider.System, NullLogger<WriterPauses>.Instance);

    /// <summary>The markers of pauses that go on.</summary>
    internal IEnumerable<string> Markers => Directory.EnumerateFileSystemEntries(Path.Combine(RuntimeDirectory, "pauses"));

    /// <summary>An empty directory for a copy.</summary>
    internal string NewTarget() => Make($"copy{++_copies}");

    /// <summary>Cuts into a directory.</summary>
    internal async Task<CutMoment> CutAsync(string target, TimeSpan? maxPause = null, bool mayPause = true)
    {
        using var pool = Files.OpenDirectory(_directory);
        using var source = Files.OpenDirectory(Upper);
        using var copy = Files.OpenDirectory(target);
        var volume = new VolumeId(PoolId.NewRandom(), IStorageValue<ObjectKey>.Parse("volume"));
        // The tests' machine may be busy with anything; what a pause may take is tested where it is set.
        var request = new LiveCutRequest(volume, MountPoint, pool, source, copy, new PauseLimits(mayPause, maxPause ?? TimeSpan.FromMinutes(1)));
        await using var cut = new LiveCut(request, TimeProvider.System, NullLogger.Instance);
        return await new CutRunner(Pauses, TimeProvider.System, NullLogger<CutRunner>.Instance).RunAsync([cut]);
    }

    /// <summary>Looks at a copy as a volume made from it would show it.</summary>
    internal T LookAt<T>(string copy, Func<string, T> look)
    {
        var mountPoint = Make($"look{++_copies}");
        Mount(Make($"upper{_copies}"), mountPoint, copy, Lower);
        try
        {
            return look(mountPoint);
        }
        finally
        {
            Assert.True(Unmounting.TryUnmount(mountPoint), $"{mountPoint} is still in use");
        }
    }

    public void Dispose()
    {
        MountCleanup.UnmountBeneath(_directory);
        using var parent = Files.OpenDirectory(Path.GetDirectoryName(_directory)!);
        TreeRemoval.Remove(parent, Path.GetFileName(_directory), CancellationToken.None);
    }

    private void Mount(string upper, string mountPoint, params string[] lowers) => Mounts.MountOverlay(
        new OverlayOptions { LowerDirectories = lowers, UpperDirectory = upper, WorkDirectory = Make(Path.GetFileName(upper) + ".work") },
        mountPoint,
        MountAttributes.None);

    private string Make(string name)
    {
        var path = Path.Combine(_directory, name);
        Directory.CreateDirectory(path);
        return path;
    }
}
