using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Cli.Doctor;

/// <summary>What there is to know of a host, as plain facts; <see cref="HostChecks"/> judges them.</summary>
internal sealed record HostFacts
{
    /// <summary>The inode of the first pid namespace, a constant of the kernel (PROC_PID_INIT_INO).</summary>
    internal const string HostPidNamespace = "pid:[4026531836]";

    private const string ZfsVariable = "LAMINA_ZFS__MOUNTNAMESPACE";

    private static readonly string[] ToolDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Whether we are root.</summary>
    public bool IsRoot { get; init; }

    /// <summary>The kernel's release.</summary>
    public string KernelRelease { get; init; } = "";

    /// <summary>The filesystems that the kernel has now, from <c>/proc/filesystems</c>.</summary>
    public IReadOnlyList<string> FileSystems { get; init; } = [];

    /// <summary>The modules that it could load, from <c>modules.dep</c>.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>What the kernel was found to have or not to have, by <see cref="KernelFeature.Name"/>. What is not in here goes by its version.</summary>
    public IReadOnlyDictionary<string, bool> Probed { get; init; } = new Dictionary<string, bool>();

    /// <summary>Whether the kernel counts and limits what is used of filesystems; null where that can't be told.</summary>
    public bool? HasDiskQuotas { get; init; }

    /// <summary>Whether <c>/dev/loop-control</c> is there.</summary>
    public bool HasLoopControl { get; init; }

    /// <summary>Where those of <see cref="FileSystemTool.All"/> and <see cref="HostChecks.ZfsCommand"/> are that are there, by name.</summary>
    public ImmutableDictionary<string, string> Tools { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Whether the daemon of these surroundings runs the commands of ZFS in another mount namespace, as a pod does those of its node.</summary>
    public bool HasZfsElsewhere { get; init; }

    /// <summary>Whether cgroups are of version 2.</summary>
    public bool HasCgroup2 { get; init; }

    /// <summary>Our pid namespace, such as <c>pid:[4026531836]</c>; null when it can't be read.</summary>
    public string? PidNamespace { get; init; }

    /// <summary>The mount table.</summary>
    public MountTable Mounts { get; init; } = MountTable.Parse("");

    /// <summary>Reads the facts of this host. What can't be read is missing.</summary>
    internal static HostFacts Read(CliHost host)
    {
        var release = ReadText("/proc/sys/kernel/osrelease").Trim();
        return new HostFacts
        {
            IsRoot = host.IsRoot,
            KernelRelease = release,
            FileSystems = ParseFileSystems(ReadText("/proc/filesystems")),
            Modules = ParseModules(ReadText($"/lib/modules/{release}/modules.dep")),
            Probed = KernelFeature.All.Where(feature => feature.Probe() is not null).ToDictionary(feature => feature.Name, feature => feature.Probe()!.Value),
            HasDiskQuotas = KernelProbes.HasDiskQuotas,
            HasLoopControl = File.Exists("/dev/loop-control"),
            Tools = FileSystemTool.All.Select(tool => tool.Name).Append(HostChecks.ZfsCommand)
                .Select(tool => ToolDirectories.Select(directory => Path.Combine(directory, tool)).FirstOrDefault(File.Exists))
                .OfType<string>()
                .ToImmutableDictionary(path => Path.GetFileName(path)),
            HasZfsElsewhere = !string.IsNullOrEmpty(host.Environment(ZfsVariable)),
            HasCgroup2 = File.Exists("/sys/fs/cgroup/cgroup.controllers"),
            PidNamespace = TryReadLink("/proc/self/ns/pid"),
            Mounts = MountTable.Parse(ReadText("/proc/self/mountinfo")),
        };
    }

    /// <summary>The names in <c>/proc/filesystems</c>, whose lines may begin with <c>nodev</c>.</summary>
    internal static IReadOnlyList<string> ParseFileSystems(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[^1].Trim())];

    /// <summary>The names in <c>modules.dep</c>: <c>kernel/fs/overlayfs/overlay.ko.xz: ...</c> is <c>overlay</c>.</summary>
    internal static IReadOnlyList<string> ParseModules(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Path.GetFileName(line.Split(':')[0]).Split('.')[0].Replace('-', '_'))];

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? TryReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
