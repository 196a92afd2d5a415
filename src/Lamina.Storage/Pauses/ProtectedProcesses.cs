using System.Collections.Frozen;
using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>
/// The processes that are never stopped, whatever they do: the first one, ourselves and whoever started us, the kubelet, and container
/// engines. With one of these stopped the machine loses its containers, or us the way to let go.
/// </summary>
internal sealed class ProtectedProcesses
{
    private static readonly FrozenSet<string> s_names =
        FrozenSet.ToFrozenSet(["dockerd", "containerd", "podman", "conmon", "crio", "kubelet"], StringComparer.Ordinal);

    // The names of its versions go on: containerd-shim-runc-v2.
    private const string Shim = "containerd-shim";
    private const string Replaced = " (deleted)";

    private readonly HashSet<int> _family = [1];

    internal ProtectedProcesses()
    {
        for (var pid = Environment.ProcessId; pid > 1 && _family.Add(pid);)
            pid = ProcessTable.TryRead(pid)?.ParentPid ?? 0;
    }

    /// <summary>Whether it must never be stopped.</summary>
    internal bool Contains(ProcessStatus process) =>
        _family.Contains(process.Pid) || IsEngine(process.Name) || IsEngine(ProgramOf(process.Pid));

    internal static bool IsEngine(string name) => s_names.Contains(name) || name.StartsWith(Shim, StringComparison.Ordinal);

    private static string ProgramOf(int pid)
    {
        string path;
        try
        {
            path = ProcessTable.TryExecutable(pid) ?? "";
        }
        catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            return "";
        }
        if (path.EndsWith(Replaced, StringComparison.Ordinal))
            path = path[..^Replaced.Length];
        return path[(path.LastIndexOf('/') + 1)..];
    }
}
