using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Overlay;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Workload;

/// <summary>A daemon as far as cuts go, in a process of its own: to be killed, or put into namespaces.</summary>
internal static class Daemon
{
    /// <summary>Stops the writers of a volume, with a watcher, says "ready" and the watcher's number, and does nothing more.</summary>
    internal static int Stop(string runtimeDirectory, string mountPoint)
    {
        using var watcher = new PauseWatcherProcess(Environment.ProcessPath!, ["watch-pauses", runtimeDirectory], NullLogger.Instance);
        var pauses = new WriterPauses(runtimeDirectory, watcher, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        using var pause = pauses.Stop("volume", [PausedVolume.At("volume", mountPoint)], mayStop: true, TimeSpan.FromMinutes(10));
        Console.WriteLine($"ready {watcher.Pid}");
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    /// <summary>Freezes the filesystem at a path, as <see cref="Stop"/> stops writers.</summary>
    internal static int Freeze(string runtimeDirectory, string mountPoint)
    {
        using var watcher = new PauseWatcherProcess(Environment.ProcessPath!, ["watch-pauses", runtimeDirectory], NullLogger.Instance);
        var pauses = new WriterPauses(runtimeDirectory, watcher, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        using var pause = pauses.Freeze("volume", mountPoint, TimeSpan.FromMinutes(10));
        Console.WriteLine($"ready {watcher.Pid}");
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    /// <summary>Cuts a volume and says how that went.</summary>
    internal static async Task<int> CutAsync(string runtimeDirectory, string mountPoint, string upper, string target)
    {
        var pauses = new WriterPauses(runtimeDirectory, null, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        using var pool = Files.OpenDirectory(Path.GetDirectoryName(upper)!);
        using var source = Files.OpenDirectory(upper);
        using var copy = Files.OpenDirectory(target);
        try
        {
            var volume = new VolumeId(PoolId.NewRandom(), IStorageValue<ObjectKey>.Parse("volume"));
            var request = new LiveCutRequest(volume, mountPoint, pool, source, copy, new PauseLimits(MayStop: true, TimeSpan.FromMinutes(1)));
            await using var cut = new LiveCut(request, TimeProvider.System, NullLogger.Instance);
            var result = await new CutRunner(pauses, TimeProvider.System, NullLogger<CutRunner>.Instance).RunAsync([cut]);
            Console.WriteLine($"ready {result.Pause}");
            return 0;
        }
        catch (StorageException e)
        {
            Console.WriteLine($"{e.Error}: {e.Message}");
            return 1;
        }
    }
}
