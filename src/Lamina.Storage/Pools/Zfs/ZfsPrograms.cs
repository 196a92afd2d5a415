namespace Lamina.Storage.Pools.Zfs;

/// <summary>Where the commands are: names to be found in PATH and the system's directories, or paths.</summary>
/// <param name="Zfs">What works on datasets.</param>
/// <param name="Zpool">What works on the pools beneath them.</param>
public sealed record ZfsPrograms(string Zfs = "zfs", string Zpool = "zpool")
{
    private const string Enter = "nsenter";

    /// <summary>
    /// The file of another mount namespace, such as <c>/proc/1/ns/mnt</c>: the commands that are there are run in it, as those of the host for a daemon in a
    /// container, because they must suit the kernel's module. Null: ours.
    /// </summary>
    public string? MountNamespace { get; init; }

    /// <summary>What is started to run one of them.</summary>
    internal string LauncherOf(string program) => MountNamespace is null ? program : Enter;

    /// <summary>The arguments of what is started.</summary>
    internal IReadOnlyList<string> ArgumentsOf(string program, IReadOnlyList<string> arguments) =>
        MountNamespace is null ? arguments : [$"--mount={MountNamespace}", "--", program, .. arguments];

    /// <summary>The command that a process is for, which may be still on its way into the other mount namespace.</summary>
    internal IReadOnlyList<string> CommandIn(IReadOnlyList<string> arguments) =>
        MountNamespace is not null && arguments.Count > 3 && Path.GetFileName(arguments[0]) == Enter ? [.. arguments.Skip(3)] : arguments;
}
