using System.Runtime.InteropServices;
using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>
/// Finds who may write to a set of volumes, in all of /proc: a process with an open file, a shared mapping, its working directory or its root
/// on one of them, and every process of a mount namespace, other than the host's and ours, that has one of them mounted.
/// </summary>
/// <remarks>
/// Being listed in one's own mount table means nothing by itself: every process of the host's namespace lists every mount. A reader counts as
/// a writer, since nothing keeps it from opening the next file for writing. Whoever opens a file by its path only for the moment of writing
/// may be missed; what it writes is noticed by the files' times before the cut is taken for good.
/// </remarks>
internal sealed class WriterFinder
{
    private readonly IReadOnlyList<PausedVolume> _volumes;
    private readonly ProtectedProcesses _protected = new();

    // A namespace that did not have a volume gets it only by a publication, and those wait for the cut to end.
    private readonly Dictionary<ulong, bool> _namespaces = [];

    internal WriterFinder(IReadOnlyList<PausedVolume> volumes)
    {
        _volumes = volumes;
        _namespaces[ReadHostNamespace()] = false;
        _namespaces[ProcessTable.TryMountNamespace(Environment.ProcessId)!.Value] = false;
    }

    /// <summary>Looks at all processes.</summary>
    /// <param name="stopped">Those that stand still because of us: only what they have mapped is looked at.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: a process can't be looked into.</exception>
    internal WriterScan Scan(IReadOnlySet<ProcessIdentity> stopped)
    {
        List<Writer> writers = [];
        List<Writer> untouchable = [];
        HashSet<(ulong Device, ulong Inode)> mapped = [];
        foreach (var pid in ProcessTable.List())
        {
            if (ProcessTable.TryRead(pid) is not { IsKernelThread: false } process)
                continue;
            var identity = new ProcessIdentity(pid, process.StartTime);
            try
            {
                // A process may have lost its first thread and go on with the others: then their files are its files.
                var thread = process.State != 'Z' ? pid : ProcessTable.Threads(pid).FirstOrDefault(thread => thread.State is not ('Z' or 'X')).Id;
                if (thread == 0)
                    continue;
                var (stores, maps) = LookAtMappings(thread, mapped);
                if (stopped.Contains(identity) || (stores ?? maps ?? FindUse(thread)) is not { } use)
                    continue;
                if (!_protected.Contains(process))
                    writers.Add(new Writer(identity, process.Name, use, process.State is 'T' or 't'));
                else if ((stores ?? FindWrite(thread)) is { } write)
                    untouchable.Add(new Writer(identity, process.Name, write, false));
            }
            catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
            {
                // Some hosts hide their first process even from root. It is not stopped anyway, and if it should write that is noticed.
                if (_protected.Contains(process))
                    continue;
                throw new StorageException(StorageError.FailedPrecondition,
                    $"can't tell whether process {pid} ({process.Name}) writes to volume {_volumes[0].Name}: {e.Message}. Run the daemon as root with all capabilities, or stop the workload", e);
            }
        }
        return new WriterScan(writers, untouchable, mapped);
    }

    // Not known, each of the host's processes would look like one of a container that has the volume mounted.
    private static ulong ReadHostNamespace() => ProcessTable.TryHostMountNamespace() ?? throw new StorageException(StorageError.FailedPrecondition,
        "which mount namespace is the host's can't be read from /proc/1/ns/mnt, so the writers of a volume in use can't be told from other processes. Run the daemon as root with all capabilities, or detach the volume");

    /// <summary>How the process shares pages of the volumes; adds the files that it may store into now to the set.</summary>
    private (string? Stores, string? Maps) LookAtMappings(int pid, HashSet<(ulong Device, ulong Inode)> mapped)
    {
        string? stores = null;
        string? maps = null;
        foreach (var (mapping, status) in ProcessTable.SharedMappings(pid))
        {
            if (!IsOnVolume(status))
                continue;
            // One that can't be stored into now can be made so, but what is stored then is noticed by the file's times.
            maps ??= $"has {mapping.Path} mapped";
            if (!mapping.IsWritable)
                continue;
            mapped.Add((status.Device, status.Inode));
            stores ??= $"has {mapping.Path} mapped for writing";
        }
        return (stores, maps);
    }

    private string? FindUse(int pid)
    {
        if (IsOnVolume(ProcessTable.TryStatCwd(pid)))
            return "has its working directory there";
        if (IsOnVolume(ProcessTable.TryStatRoot(pid)))
            return "has its root directory there";
        foreach (var (number, status) in ProcessTable.OpenFiles(pid))
        {
            if (IsOnVolume(status) && ProcessTable.TryDescriptor(pid, number) is { } descriptor)
                return $"has {descriptor.Target} open";
        }
        return IsInForeignNamespace(pid) ? "has it mounted in a mount namespace of its own, as a container does" : null;
    }

    private string? FindWrite(int pid)
    {
        foreach (var (number, status) in ProcessTable.OpenFiles(pid))
        {
            if (IsOnVolume(status) && ProcessTable.TryDescriptor(pid, number) is { IsWritable: true } descriptor)
                return $"has {descriptor.Target} open for writing";
        }
        return null;
    }

    private bool IsInForeignNamespace(int pid)
    {
        if (ProcessTable.TryMountNamespace(pid) is not { } number)
            return false;
        ref var has = ref CollectionsMarshal.GetValueRefOrAddDefault(_namespaces, number, out var isKnown);
        if (isKnown)
            return has;
        try
        {
            return has = MountTable.Read(pid).Entries.Any(mount => _volumes.Any(volume => volume.IsMountedBy(mount)));
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL)
        {
            // The process has ended; another one of its namespace will tell.
            _namespaces.Remove(number);
            return false;
        }
    }

    private bool IsOnVolume(FileStatus? status)
    {
        if (status is not { } known)
            return false;
        foreach (var volume in _volumes)
        {
            if (known.Device == volume.FileDevice)
                return true;
        }
        return false;
    }
}
