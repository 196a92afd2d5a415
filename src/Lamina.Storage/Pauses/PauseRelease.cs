using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>Lets go of what a marker tells, and of nothing else.</summary>
internal static class PauseRelease
{
    /// <summary>Releases the pauses of daemons that are no more.</summary>
    /// <returns>The names of the markers that are left: of daemons that live, unreadable, or not let go whole.</returns>
    internal static IReadOnlyList<string> OfTheDead(PauseMarkerStore store)
    {
        var bootId = BootId.Read();
        List<string> left = [];
        foreach (var (name, marker) in store.Read())
        {
            if (marker is null || (marker.BootId == bootId && IsAlive(marker.Owner)))
            {
                left.Add(name);
                continue;
            }
            // Process numbers of an earlier boot are other processes now, and cgroups have gone with it.
            if (marker.BootId != bootId || TryRelease(marker))
                store.Remove(name);
            else
                left.Add(name);
        }
        return left;
    }

    /// <summary>Continues a process, unless it is another one by now, or gone.</summary>
    internal static void Continue(ProcessIdentity process)
    {
        // Opened first: what is read afterwards is of this process, or the signal doesn't go.
        using var handle = ProcessHandle.TryOpen(process.Pid);
        if (handle is not null && ProcessTable.TryRead(process.Pid)?.StartTime == process.StartTime)
            handle.TrySignal(Signal.Continue);
    }

    /// <summary>Thaws the filesystem of a mount, unless another one is there by now, or it is not frozen.</summary>
    internal static void Thaw(FrozenMount mount)
    {
        try
        {
            if (MountQuery.At(mount.Path)?.Device != mount.Device)
                return;
            using var root = Files.OpenDirectory(mount.Path);
            FileSystemFreeze.Thaw(root);
        }
        catch (LinuxException e) when (e.Errno is Errno.EINVAL or Errno.ENOENT)
        {
            // Thawed already, or unmounted.
        }
    }

    // The others must go whatever happens to one of them; what could not be let go keeps its marker.
    private static bool TryRelease(PauseMarker marker) =>
        TryEach(marker.Cgroups, CgroupFreezer.Thaw) & TryEach(marker.Processes, Continue)
        & TryEach(marker.FileSystems ?? [], Thaw);

    private static bool TryEach<T>(IEnumerable<T> stopped, Action<T> release)
    {
        var allWent = true;
        foreach (var one in stopped)
        {
            try
            {
                release(one);
            }
            catch (Exception e) when (e is LinuxException or IOException)
            {
                allWent = false;
            }
        }
        return allWent;
    }

    private static bool IsAlive(ProcessIdentity owner) =>
        ProcessTable.TryRead(owner.Pid) is { State: not ('Z' or 'X') } process && process.StartTime == owner.StartTime;
}
