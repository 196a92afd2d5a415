using Lamina.Linux;
using Lamina.Storage.Pauses;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools.Cuts;

/// <summary>
/// Takes cuts of one or several volumes at one write point: they are prepared while the writers run, the writers of all volumes are stopped, all
/// cuts are taken, the writers are let go, the cuts are made durable.
/// </summary>
/// <remarks>
/// <para>Nobody is stopped for a single volume whose backend cuts by itself, nor for several that it cuts by one step. For several volumes in use somebody
/// is otherwise: two such cuts, however short, are two moments, and a write to the first volume after its cut may be followed by one to the second before its own.</para>
/// <para>A volume that holds its writers by itself, by freezing its filesystem, is held from before the first cut until after the last one: so nothing
/// can be written to it after the write point, and nobody is looked for. One other volume in use may be cut meanwhile by its backend's own cut, or several
/// that it cuts by one step.</para>
/// <para>Writers that could not be found, such as a process that opens a file only for the moment of writing, are noticed by the cuts before they
/// are taken for good. Then it is tried once more.</para>
/// </remarks>
/// <param name="pauses">Stops the writers.</param>
/// <param name="time">Tells the moment.</param>
/// <param name="logger">Where cuts are reported.</param>
public sealed class CutRunner(WriterPauses pauses, TimeProvider time, ILogger<CutRunner> logger)
{
    private const int Attempts = 2;

    // Trees may be nested deeply, and so are the walks.
    private const int StackSize = 64 * 1024 * 1024;

    /// <summary>Takes the cuts, and answers when they are durable. On a failure all of them are void.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: a writer can't be stopped, or the writers would have had to stand still for too long.
    /// </exception>
    public Task<CutMoment> RunAsync(IReadOnlyList<IVolumeCut> cuts) =>
        OnThreadOfItsOwn(() => Translate(cuts, () => ToStop(cuts) is { Count: > 0 } stopped ? TakeStopped(cuts, stopped) : TakeRunning(cuts)));

    /// <summary>Those whose writers have to be found and stopped.</summary>
    private static List<IVolumeCut> ToStop(IReadOnlyList<IVolumeCut> cuts)
    {
        var attached = cuts.Where(cut => cut.MountPoint is not null).ToList();
        var free = attached.Where(cut => !cut.HoldsWriters).ToList();
        // A single one that cuts by itself makes the moment; while others are held, too.
        if (free.Count == 0 || (free is [var one] && !one.StopsWriters && (attached.Count == 1 || one.StopObstacle is not null)))
            return [];
        // Several that are taken by one step make one moment too; and while it is taken, others are held.
        if (free[0].TakenTogether is { } together && free.TrueForAll(cut => cut.TakenTogether == together && !cut.StopsWriters))
            return [];
        if (free.Find(cut => cut.StopObstacle is not null) is { } raw)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {raw.Volume} can't be cut at one moment with {string.Join(" and ", free.Where(cut => cut != raw).Select(cut => cut.Volume))} while in use: {raw.StopObstacle}. Detach one of them, or cut it by itself");
        }
        return free;
    }

    // At most one of the volumes changes by itself, and its backend cuts by itself; the others are held meanwhile.
    private CutMoment TakeRunning(IReadOnlyList<IVolumeCut> cuts)
    {
        Prepare(cuts);
        // The first may have been prepared long ago.
        Prepare([.. cuts.Where(_ => cuts.Count > 1)]);
        var at = StorageTrace.Run("cut", () => CutAll(cuts, new WritePoint()));
        Finish(cuts);
        return new CutMoment(at, null);
    }

    private static void Prepare(IReadOnlyCollection<IVolumeCut> cuts)
    {
        if (cuts.Count == 0)
            return;
        StorageTrace.Run("prepare_cut", () =>
        {
            foreach (var cut in cuts)
                cut.Prepare();
        });
    }

    private static void Finish(IReadOnlyCollection<IVolumeCut> cuts) => StorageTrace.Run("finish_cut", () =>
    {
        foreach (var cut in cuts)
            cut.Finish();
    });

    private DateTimeOffset CutAll(IReadOnlyList<IVolumeCut> cuts, WritePoint point)
    {
        try
        {
            foreach (var cut in cuts)
                cut.Hold();
            var at = time.GetUtcNow();
            foreach (var cut in cuts)
                cut.Cut(point);
            return at;
        }
        finally
        {
            foreach (var cut in cuts)
                cut.LetGo();
        }
    }

    private CutMoment TakeStopped(IReadOnlyList<IVolumeCut> cuts, List<IVolumeCut> stopped)
    {
        PausedVolume[] volumes = [.. stopped.Select(cut => PausedVolume.At(cut.Volume.ToString(), cut.MountPoint!))];
        var limits = PauseLimits.Strictest([.. stopped.Select(cut => cut.Limits)]);
        pauses.CheckPossible(volumes, limits.MayStop);
        Prepare(cuts);
        for (var attempt = 1; ; attempt++)
        {
            // The first may have been prepared long ago.
            Prepare([.. cuts.Where(_ => cuts.Count > 1 || attempt > 1)]);
            if (StorageTrace.Run("stop_writers_and_cut", () => TryTake(cuts, volumes, limits, isLast: attempt == Attempts)) is not { } moment)
                continue;
            Finish(cuts);
            return moment;
        }
    }

    /// <summary>Null when somebody wrote during the stop.</summary>
    private CutMoment? TryTake(IReadOnlyList<IVolumeCut> cuts, PausedVolume[] volumes, PauseLimits limits, bool isLast)
    {
        var names = WriterPauses.Describe(volumes);
        using var pause = pauses.Stop(volumes[0].Name, volumes, limits.MayStop, limits.MaxPause);
        try
        {
            WaitForNextTick(pause.StoodStillAt);
            var point = new WritePoint
            {
                StoodStillAt = pause.StoodStillAt,
                MappedInodes = pause.LastScan.MappedFiles.Select(file => file.Inode).ToHashSet(),
                Aborted = pause.Aborted,
            };
            var at = CutAll(cuts, point);
            pause.Release();
            // Let go by the timer just before we did: what was verified before that may not be true.
            pause.Aborted.ThrowIfCancellationRequested();
            // The timer's thread may get its turn too late on a busy machine; what was allowed is measured all the same.
            if (pause.Pause > limits.MaxPause)
                throw pause.TooLong(names);
            return new CutMoment(at, pause.Pause);
        }
        catch (Exception e) when (e is OperationCanceledException or SourceChangedException && pause.Aborted.IsCancellationRequested)
        {
            // Who is let go in the middle of the cut may write before the cut notices that it is given up.
            throw pause.TooLong(names);
        }
        catch (SourceChangedException e)
        {
            pause.Release();
            logger.WrittenDuringCut(names, e.Message);
            return !isLast ? null : throw new StorageException(StorageError.FailedPrecondition,
                $"{names} can't be cut while in use: somebody writes who was not found, such as a process that opens its files only for a moment ({e.Message}). Stop the workload, give it its working directory on the volume, or run it in a container", e);
        }
    }

    /// <summary>Whatever happens afterwards has a later time than the moment of the stop.</summary>
    private static void WaitForNextTick(Timestamp moment)
    {
        while (KernelClock.FileTime <= moment)
            Thread.Sleep(1);
    }

    private static CutMoment Translate(IReadOnlyList<IVolumeCut> cuts, Func<CutMoment> take)
    {
        try
        {
            return take();
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"cut {string.Join(" and ", cuts.Select(cut => cut.Volume))}", e);
        }
    }

    // It waits for disks, and the threads of the pool have others to serve.
    private static Task<CutMoment> OnThreadOfItsOwn(Func<CutMoment> take)
    {
        var done = new TaskCompletionSource<CutMoment>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    done.SetResult(take());
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            },
            StackSize)
        {
            IsBackground = true,
            Name = "lamina-cut",
        };
        thread.Start();
        return done.Task;
    }
}
