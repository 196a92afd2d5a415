using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>Where the cgroup v2 of a process is, for those that can be frozen.</summary>
internal sealed class CgroupTree
{
    private readonly string? _mountPoint = MountTable.Read().Entries.FirstOrDefault(mount => mount is { FileSystemType: "cgroup2", Root: "/" })?.MountPoint;

    /// <summary>
    /// The directory of the process's cgroup; null when it has none that could be frozen: it is in the root, or outside of what we see from
    /// a cgroup namespace of our own.
    /// </summary>
    internal string? DirectoryOf(int pid) =>
        _mountPoint is not null && ProcessTable.CgroupV2Path(pid) is { Length: > 1 } path && !path.StartsWith("/..", StringComparison.Ordinal)
            ? _mountPoint.TrimEnd('/') + path
            : null;
}
