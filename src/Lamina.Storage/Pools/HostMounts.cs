using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>
/// What is mounted on this host, in the mount tables of all processes. Not seen are mounts that were unmounted lazily, and namespaces that no
/// process of our PID namespace lives in.
/// </summary>
internal static class HostMounts
{
    /// <summary>Every mount, with the process that sees it: one of each mount namespace.</summary>
    internal static IEnumerable<(MountEntry Mount, int Process)> List()
    {
        var namespaces = new HashSet<ulong>();
        foreach (var pid in ProcessTable.List())
        {
            var number = TryNamespace(pid);
            if ((number is { } known && namespaces.Contains(known)) || TryRead(pid) is not { } table)
                continue;
            if (number is { } read)
                namespaces.Add(read);
            foreach (var mount in table.Entries)
                yield return (mount, pid);
        }
    }

    /// <summary>Where one is, in words: <c>at /data, as process 12 sees it</c>.</summary>
    internal static string Describe((MountEntry Mount, int Process) one) => $"at {one.Mount.MountPoint}, as process {one.Process} sees it";

    // Null where we may not look: the table of such a process can be read all the same, as a rule.
    private static ulong? TryNamespace(int pid)
    {
        try
        {
            return ProcessTable.TryMountNamespace(pid);
        }
        catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            return null;
        }
    }

    private static MountTable? TryRead(int pid)
    {
        try
        {
            return MountTable.Read(pid);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL or Errno.EACCES or Errno.EPERM)
        {
            // It has just ended, or we may not look. Another process of its namespace is asked instead, if there is one.
            return null;
        }
    }
}
