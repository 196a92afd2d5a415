using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>Stops all writers of some volumes, in rounds until none new appears.</summary>
/// <param name="finder">Finds them.</param>
/// <param name="pause">Holds those that are stopped.</param>
/// <param name="mayStop">Whether anybody may be stopped at all.</param>
/// <param name="names">The volumes, for messages.</param>
internal sealed class WriterStopper(WriterFinder finder, WriterPause pause, bool mayStop, string names)
{
    private const int MaxRounds = 100;

    // A parent that waits for its child of vfork(2) to start another program: it does nothing meanwhile, and the child is a writer itself.
    private static readonly string[] s_vforkWaits = ["kernel_clone", "wait_for_vfork_done"];

    private readonly CgroupTree _cgroups = new();
    private readonly HashSet<ProcessIdentity> _still = [];
    private readonly HashSet<int> _stillPids = [];

    /// <summary>Returns when all of them stand still.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: one writes that must not be stopped, or does not stop.
    /// </exception>
    internal void Run()
    {
        for (var round = 1; ; round++)
        {
            // Before the look: if it finds nobody new, all stood still by now.
            pause.StoodStillAt = KernelClock.Now;
            var scan = finder.Scan(_still);
            pause.LastScan = scan;
            var fresh = scan.Writers.Where(writer => !_still.Contains(writer.Identity)).ToList();
            Refuse(names, scan.Untouchable, mayStop ? [] : fresh);
            if (fresh.Count == 0)
                return;
            if (round > MaxRounds)
            {
                throw new StorageException(StorageError.FailedPrecondition,
                    $"{names} can't be cut: new processes keep coming faster than they are stopped, the last being {fresh[0]}. Stop the workload, and call again");
            }
            Stop(fresh);
        }
    }

    /// <summary>Refuses when somebody writes who must not be stopped.</summary>
    /// <param name="names">The volumes.</param>
    /// <param name="untouchable">Those that are never stopped.</param>
    /// <param name="unwanted">Those that are not, since the pool is configured so.</param>
    internal static void Refuse(string names, IReadOnlyList<Writer> untouchable, IReadOnlyList<Writer> unwanted)
    {
        if (untouchable is [var host, ..])
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{names} can't be cut while in use: {host}, belongs to this host or its container engine and is never stopped. Let it close that file, or detach the volume");
        }
        if (unwanted is [var writer, ..])
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{names} can't be cut while in use: its pool stops no writers (liveSnapshot = refuse), and there is {writer}. Stop the workload, or set liveSnapshot = pause");
        }
    }

    private void Stop(List<Writer> fresh)
    {
        foreach (var writer in fresh)
        {
            _still.Add(writer.Identity);
            _stillPids.Add(writer.Identity.Pid);
        }

        List<string> toFreeze = [];
        List<Writer> toSignal = [];
        foreach (var group in fresh.GroupBy(writer => _cgroups.DirectoryOf(writer.Identity.Pid)))
        {
            if (group.Key is not { } cgroup)
                toSignal.AddRange(group);
            else if (CgroupFreezer.IsFrozen(cgroup))
                // By us a round ago, with what has come to it since; or by somebody else, whose business it stays.
                continue;
            else if (group.All(writer => !writer.IsStopped) && IsAllWriters(cgroup))
                toFreeze.Add(cgroup);
            else
                toSignal.AddRange(group);
        }

        // Who stands still already is neither stopped nor continued.
        var signalled = toSignal.FindAll(writer => !writer.IsStopped);
        pause.Announce(signalled.Select(writer => writer.Identity), toFreeze);
        foreach (var writer in signalled)
            pause.Stop(writer.Identity);
        foreach (var cgroup in toFreeze.Where(cgroup => !pause.TryFreeze(cgroup)))
        {
            var members = fresh.FindAll(writer => _cgroups.DirectoryOf(writer.Identity.Pid) == cgroup);
            toSignal.AddRange(members);
            pause.Announce(members.Select(writer => writer.Identity), []);
            foreach (var writer in members)
                pause.Stop(writer.Identity);
        }
        WaitUntilStill(toSignal);
    }

    private bool IsAllWriters(string cgroup)
    {
        var members = CgroupFreezer.Members(cgroup);
        return members.Count > 0 && members.All(_stillPids.Contains);
    }

    private void WaitUntilStill(List<Writer> waiting)
    {
        while (true)
        {
            waiting.RemoveAll(writer => ProcessTable.Threads(writer.Identity.Pid).All(thread => IsStill(writer.Identity.Pid, thread)));
            if (waiting.Count == 0)
                return;
            if (pause.Aborted.IsCancellationRequested)
            {
                throw new StorageException(StorageError.FailedPrecondition,
                    $"{names} can't be cut: {waiting[0]}, did not stop within {pause.MaxPause.TotalSeconds:0.###} s, which happens while it waits for a slow disk. Call again, raise maxPause, or stop the workload");
            }
            Thread.Sleep(1);
        }
    }

    // A thread in the kernel finishes what it does there, such as a write, before it stops.
    private static bool IsStill(int pid, ThreadStatus thread) => thread.State switch
    {
        'T' or 't' or 'Z' or 'X' => true,
        'D' => s_vforkWaits.Contains(ProcessTable.TryWaitChannel(pid, thread.Id)),
        _ => false,
    };
}
