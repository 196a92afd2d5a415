using Lamina.Linux;
using Lamina.Storage.Pauses;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Cuts a volume while it is mounted and written to. The kernel has no such cut for an overlay: its upper can't be replaced while it is
/// mounted, and freezing the filesystem beneath would block the copy as well. So the upper is copied while the writers run, they are stopped,
/// what has changed since is brought over, and they are let go.
/// </summary>
/// <remarks>
/// <para>What was written before the stop is in the copy and nothing of later, across all files: the state of one moment, as a power cut
/// would have left it if the disk had kept all of it.</para>
/// <para>Writers that could not be found, such as a process that opens a file only for the moment of writing, are noticed before the cut is
/// taken for good: no file may have changed since the stop. Then it is tried once more.</para>
/// <para>One flush of the whole filesystem makes the copy durable, after the writers run again: the copied data is anywhere in the tree, and
/// another flush just before the stop has left it little to do. Its order before the record that names the copy is the pool's business.</para>
/// </remarks>
/// <param name="pauses">Stops the writers.</param>
/// <param name="time">Tells the moment.</param>
/// <param name="logger">Where cuts are reported.</param>
internal sealed class LiveCut(WriterPauses pauses, TimeProvider time, ILogger logger)
{
    private const int Attempts = 2;
    private const int MaxPasses = 5;

    // A pass that is so short leaves little to the next one.
    private static readonly TimeSpan s_shortPass = TimeSpan.FromMilliseconds(100);

    // A tree may be nested deeply, and so is the walk.
    private const int StackSize = 64 * 1024 * 1024;

    /// <summary>Copies the tree as it is at one moment, and answers when the copy is durable. A cut that fails leaves the target empty.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: a writer can't be stopped, or the writers would have had to stand still for too long.
    /// </exception>
    internal Task<LiveCutResult> RunAsync(LiveCutRequest request)
    {
        // A thread of its own: it waits for disks, and the pool's threads have others to serve.
        var done = new TaskCompletionSource<LiveCutResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    done.SetResult(Run(request));
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

    private LiveCutResult Run(LiveCutRequest request)
    {
        PausedVolume[] volumes = [PausedVolume.At(request.Volume.ToString(), request.MountPoint)];
        pauses.CheckPossible(volumes, request.MayPause);

        // Handles of our own: a flush of the filesystem reports the errors since its handle was opened, and to one caller only.
        using var pool = Files.OpenDirectoryAt(request.Pool, ".");
        using var mount = Files.Open(request.MountPoint, OpenFlags.Path | OpenFlags.Directory);
        using var copy = new UpperCopy(request.Source, request.Target, mount);
        try
        {
            var began = time.GetTimestamp();
            var passes = FollowWriters(copy);
            for (var attempt = 1; ; attempt++)
            {
                // So that what happens during the stop has nothing else to wait for.
                Files.FlushFileSystem(pool);
                if (TryCut(request, volumes, copy, isLast: attempt == Attempts) is { } result)
                {
                    copy.Finish();
                    Files.FlushFileSystem(pool);
                    logger.UpperCopied(request.Volume, copy.Count, copy.Changes, passes, time.GetElapsedTime(began));
                    return result;
                }
                copy.Follow(CancellationToken.None);
            }
        }
        catch
        {
            Clear(copy, request);
            throw;
        }
    }

    /// <summary>Copies until a pass has little left to do.</summary>
    private int FollowWriters(UpperCopy copy)
    {
        var last = TimeSpan.MaxValue;
        for (var pass = 1; ; pass++)
        {
            var began = time.GetTimestamp();
            copy.Follow(CancellationToken.None);
            var took = time.GetElapsedTime(began);
            if (took < s_shortPass || took > last / 2 || pass == MaxPasses)
                return pass;
            last = took;
        }
    }

    /// <summary>Null when somebody wrote during the stop.</summary>
    private LiveCutResult? TryCut(LiveCutRequest request, PausedVolume[] volumes, UpperCopy copy, bool isLast)
    {
        using var pause = pauses.Stop(request.Volume.ToString(), volumes, request.MayPause, request.MaxPause);
        try
        {
            var at = time.GetUtcNow();
            WaitForNextTick(pause.StoodStillAt);
            copy.Complete(pause.LastScan.MappedFiles.Select(file => file.Inode).ToHashSet(), pause.Aborted);
            copy.Verify(pause.StoodStillAt, pause.Aborted);
            pause.Release();
            // Let go by the timer just before we did: what was verified before that may not be true.
            pause.Aborted.ThrowIfCancellationRequested();
            // The timer's thread may get its turn too late on a busy machine; what was allowed is measured all the same.
            if (pause.Pause > request.MaxPause)
                throw pause.TooLong(WriterPauses.Describe(volumes));
            return new LiveCutResult(at, pause.Pause);
        }
        catch (OperationCanceledException) when (pause.Aborted.IsCancellationRequested)
        {
            throw pause.TooLong(WriterPauses.Describe(volumes));
        }
        catch (SourceChangedException e)
        {
            pause.Release();
            logger.WrittenDuringCut(request.Volume, e.Message);
            return !isLast ? null : throw new StorageException(StorageError.FailedPrecondition,
                $"volume {request.Volume} can't be cut while in use: somebody writes to it who was not found, such as a process that opens its files only for a moment ({e.Message}). Stop the workload, give it its working directory on the volume, or run it in a container", e);
        }
    }

    /// <summary>Whatever happens afterwards has a later time than the moment of the stop.</summary>
    private static void WaitForNextTick(Timestamp moment)
    {
        while (KernelClock.FileTime <= moment)
            Thread.Sleep(1);
    }

    private void Clear(UpperCopy copy, LiveCutRequest request)
    {
        try
        {
            copy.Clear();
        }
        catch (LinuxException e)
        {
            // The layer goes into the trash as a whole.
            logger.CopyNotCleared(request.Volume, e.Message);
        }
    }
}
