using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>What a container is to us: a mount namespace of its own, with a volume at other paths than the host has it.</summary>
internal static class ContainerNamespace
{
    /// <summary>Starts one that lives until it is disposed of.</summary>
    /// <param name="root">A scratch directory.</param>
    /// <param name="path">Where the host has the volume.</param>
    /// <param name="targets">Where the container has it, beneath the scratch directory; one place when left out.</param>
    internal static Task<WorkloadProcess> StartAsync(string root, string path, params string[] targets)
    {
        string[] places = [.. (targets.Length > 0 ? targets : ["inside"]).Select(target => Directory.CreateDirectory($"{root}/{target}").FullName)];
        return WorkloadProcess.StartProgramAsync("unshare", "-m", "--propagation", "private", "sh", "-c",
            $"{string.Join(" && ", places.Select(place => $"mount --bind {path} {place}"))} && umount {path} && echo ready && read line");
    }
}
