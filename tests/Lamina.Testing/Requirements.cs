using Lamina.Linux;
using Xunit;

namespace Lamina.Testing;

/// <summary>
/// What a test needs of its machine. Where it is absent the test is skipped with the reason; in CI (environment CI=true), which is set
/// up to have everything, it fails.
/// </summary>
public static class Requirements
{
    public static bool IsCI => Environment.GetEnvironmentVariable("CI") is "true" or "1";

    /// <summary>Skips, or fails in CI, unless it is so.</summary>
    public static void Met(bool condition, string reason)
    {
        if (condition)
            return;
        if (IsCI)
            Assert.Fail($"CI lacks what a test needs: {reason}");
        Assert.Skip(reason);
    }

    /// <summary>The rights to mount.</summary>
    public static void Root() => Met(Environment.IsPrivilegedProcess, "needs root");

    /// <summary>A kernel of at least this version.</summary>
    public static void Kernel(int major, int minor) => Met(HasKernel(major, minor), $"needs Linux {major}.{minor}");

    /// <summary>Whether the kernel has at least this version.</summary>
    public static bool HasKernel(int major, int minor) => Environment.OSVersion.Version >= new Version(major, minor);

    /// <summary>A command in PATH or the system's directories.</summary>
    public static void Command(string name, string package) =>
        Met(HasCommand(name), $"needs {name} of the package {package}");

    /// <summary>A filesystem that the kernel can mount, and the tool that makes it.</summary>
    public static void FileSystem(FileSystemKind kind)
    {
        if (Missing(kind) is { } reason)
            Met(false, reason);
    }

    /// <summary>What keeps us from making and mounting such a filesystem; null: nothing.</summary>
    public static string? Missing(FileSystemKind kind)
    {
        if (!Environment.IsPrivilegedProcess)
            return "needs root";
        if (!File.Exists("/dev/loop-control"))
            return "needs loop devices";
        var (type, package) = kind switch
        {
            FileSystemKind.Ext4 => ("ext4", "e2fsprogs"),
            FileSystemKind.Xfs => ("xfs", "xfsprogs"),
            FileSystemKind.Btrfs => ("btrfs", "btrfs-progs"),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no tool that makes it."),
        };
        if (!HasCommand($"mkfs.{type}"))
            return $"needs mkfs.{type} of the package {package}";
        // A module that is not loaded yet is loaded by the mount.
        var modules = $"/lib/modules/{File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";
        return Knows(type) || Directory.Exists(modules) ? null : $"needs a kernel with {type}";
    }

    private static bool Knows(string type) =>
        File.ReadLines("/proc/filesystems").Any(line => line.EndsWith($"\t{type}", StringComparison.Ordinal));

    private static bool HasCommand(string name) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(directory => File.Exists($"{directory}/{name}"));
}
