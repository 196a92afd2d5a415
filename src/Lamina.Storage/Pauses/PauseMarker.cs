using System.Collections.Immutable;

namespace Lamina.Storage.Pauses;

/// <summary>
/// What a pause stops, or is about to: enough for anybody to let go of exactly that. It is written before the first of them is stopped and
/// removed after the last one runs again.
/// </summary>
/// <param name="Format">Of this file.</param>
/// <param name="BootId">The boot of the machine that it is of; in another one it means nothing.</param>
/// <param name="Owner">The daemon that stops them. As long as it lives it lets go by itself.</param>
/// <param name="Processes">The processes that got a SIGSTOP.</param>
/// <param name="Cgroups">The directories of the cgroups that were frozen.</param>
/// <param name="FileSystems">The mounts whose filesystems were frozen; none in a marker of an earlier version.</param>
internal sealed record PauseMarker(
    int Format, string BootId, ProcessIdentity Owner, ImmutableArray<ProcessIdentity> Processes, ImmutableArray<string> Cgroups,
    ImmutableArray<FrozenMount>? FileSystems = null)
{
    /// <summary>The only format that this version reads and writes.</summary>
    internal const int CurrentFormat = 1;
}
