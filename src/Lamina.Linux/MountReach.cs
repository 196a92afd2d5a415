using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Whether others than this process see what it mounts. On a machine all do. In a container, or under a service manager that gives a service mounts of
/// its own, they do only where the mount that it is put on is of a peer group that the machine has too. See mount_namespaces(7).
/// </summary>
public static class MountReach
{
    /// <summary>Whether this process has a mount namespace apart from that of the machine, or of the container that it is one service of among others.</summary>
    /// <remarks>
    /// Where it can't be told, it is taken for the machine's. In a PID namespace that is not the machine's, the first process is an init beside which we live
    /// in one namespace; or it is ourselves, or a process of another container of one pod.
    /// </remarks>
    public static bool IsApart
    {
        get
        {
            var own = ProcessTable.TryMountNamespace(Environment.ProcessId);
            if (ProcessTable.OwnPidNamespace == ProcessTable.HostPidNamespace)
                return ProcessTable.TryHostMountNamespace() is { } host && host != own;
            return Environment.ProcessId == 1 || (ProcessTable.TryReadable(1, ProcessTable.TryMountNamespace) is { } first && first != own);
        }
    }

    /// <summary>The mount on which an open directory lies, if what is mounted beneath it is seen by this process alone; null when others see it too.</summary>
    public static MountEntry? FindUnseen(SafeFileHandle directory) => IsApart && MountTable.Of(directory) is { } mount && !IsSeen(mount) ? mount : null;

    /// <summary>Whether what is mounted on a mount of a namespace apart reaches the machine.</summary>
    private static bool IsSeen(MountEntry mount)
    {
        if (mount.PeerGroup is not { } group)
            return false;
        // A slave has peers of its own, which are elsewhere only if somebody has brought them there: a service of systemd with PrivateTmp= has none, a
        // container in a container most likely the outer one.
        return !mount.IsSlave || ProcessTable.OwnPidNamespace != ProcessTable.HostPidNamespace || HostHas(group);
    }

    private static bool HostHas(int group)
    {
        foreach (var pid in ProcessTable.FirstOfHost)
        {
            if (ProcessTable.TryReadable<MountTable>(pid, MountTable.Read) is { } table)
                return table.Entries.Any(entry => entry.PeerGroup == group);
        }
        return false;
    }
}
