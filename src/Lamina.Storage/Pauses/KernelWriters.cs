using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>Writers that are no processes, and so can't be stopped: loop devices, swap, and the kernel's NFS server.</summary>
internal static class KernelWriters
{
    private static readonly string[] s_exports = ["/proc/fs/nfsd/exports", "/var/lib/nfs/etab"];

    /// <summary>Refuses when there is one on any of the volumes, or when we could not even see all processes.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>; the message says which and what helps.</exception>
    internal static void Refuse(IReadOnlyList<PausedVolume> volumes)
    {
        if (ProcessTable.OwnPidNamespace != ProcessTable.HostPidNamespace)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volumes[0].Name} is in use, and its writers can't be found: this daemon runs in a PID namespace of its own. Run it in the host's (hostPID: true, --pid=host), or detach the volume");
        }

        // A loop device that is read-only writes nothing.
        foreach (var loop in LoopDevice.List())
        {
            if (!loop.IsReadOnly && volumes.FirstOrDefault(volume => volume.FileDevice == loop.BackingDevice) is { } volume)
                throw Refusal(volume, $"the loop device {loop.Path} lies on it ({loop.BackingFile})", $"Detach it: losetup -d {loop.Path}");
        }
        foreach (var path in Swaps(ReadText("/proc/swaps")))
        {
            if (Find(volumes, path) is { } volume)
                throw Refusal(volume, $"the machine swaps to {path} on it", $"Stop that: swapoff {path}");
        }
        foreach (var path in s_exports.SelectMany(file => Exports(ReadText(file))))
        {
            if (Find(volumes, path) is { } volume)
                throw Refusal(volume, $"the kernel's NFS server exports {path} from it", $"Stop that: exportfs -u, for all clients of {path}");
        }
    }

    /// <summary>The files in the text of /proc/swaps.</summary>
    internal static IEnumerable<string> Swaps(string text) =>
        text.Split('\n').Skip(1).Select(line => line.Split(' ', '\t')).Where(fields => fields[0].StartsWith('/')).Select(fields => MountTable.Unescape(fields[0]));

    /// <summary>The directories in the text of a table of exports.</summary>
    internal static IEnumerable<string> Exports(string text) =>
        text.Split('\n').Where(line => line.StartsWith('/')).Select(line => MountTable.Unescape(line.Split(' ', '\t')[0]));

    private static PausedVolume? Find(IReadOnlyList<PausedVolume> volumes, string path)
    {
        try
        {
            return Files.TryStat(path) is { } status ? volumes.FirstOrDefault(volume => volume.FileDevice == status.Device) : null;
        }
        catch (LinuxException)
        {
            // What can't be looked at by its path is not on a volume that we have mounted ourselves.
            return null;
        }
    }

    private static StorageException Refusal(PausedVolume volume, string what, string help) => new(StorageError.FailedPrecondition,
        $"volume {volume.Name} can't be cut while it is in use: {what}, and the kernel itself can't be stopped. {help}");

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }
}
