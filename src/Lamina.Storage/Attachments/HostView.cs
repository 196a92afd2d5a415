using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Proves that the host sees what is mounted here. Where it doesn't, a pod or container would get the empty directory beneath, and write to the host's disk.
/// </summary>
public static class HostView
{
    /// <summary>What has to be set where the host does not see it.</summary>
    public const string Advice =
        "In Kubernetes mount the host's /run/lamina (a hostPath volume) and the kubelet's directory with mountPropagation: Bidirectional, each at its own path; "
        + "in another container with the option rshared; under systemd leave out PrivateTmp=, ProtectSystem= and their like";

    /// <summary>Why the host does not see what is mounted beneath a directory; null when it does, or there is no such directory.</summary>
    public static string? FindProblem(string directory)
    {
        try
        {
            using var handle = Files.OpenDirectory(directory);
            return FindProblem(handle, directory);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
    }

    /// <summary>Refuses to mount anything beneath an open directory where the host would not see it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal static void Check(SafeFileHandle directory, string path)
    {
        if (FindProblem(directory, path) is { } problem)
            throw new StorageException(StorageError.FailedPrecondition, $"{problem}. {Advice}");
    }

    private static string? FindProblem(SafeFileHandle directory, string path) => MountReach.FindUnseen(directory) is { } mount
        ? $"the host does not see what is mounted beneath {path}: the daemon has mounts of its own, and of those {mount.MountPoint} does not hand on to the host's what is mounted there"
        : null;
}
