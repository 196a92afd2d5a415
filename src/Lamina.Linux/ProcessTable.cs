using System.Globalization;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// The processes of this machine, or of our PID namespace. Each may be gone at any moment: then it is null or empty, never an error. What
/// is read is of the process's first thread; threads that have unshared their files or directory are not seen. See proc(5).
/// </summary>
public static partial class ProcessTable
{
    private const uint PF_KTHREAD = 0x20_0000;

    /// <summary>The numbers of all processes, ascending.</summary>
    public static IReadOnlyList<int> List()
    {
        using var proc = Files.OpenDirectory("/proc");
        List<int> found = [];
        foreach (var entry in Files.Enumerate(proc))
        {
            if (int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                found.Add(pid);
        }
        found.Sort();
        return found;
    }

    /// <summary>What a process is and does; null when it is gone.</summary>
    public static ProcessStatus? TryRead(int pid)
    {
        if (TryReadFile(pid, "stat") is not { } content)
            return null;
        var text = PathEncoding.Decode(content);
        // The name stands in parentheses and can hold parentheses and spaces itself; after the last one there are only plain fields.
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var close = text.LastIndexOf(')');
        var fields = text[(close + 2)..].Split(' ');
        return new ProcessStatus
        {
            Pid = pid,
            Name = text[(open + 1)..close],
            State = fields[0][0],
            ParentPid = int.Parse(fields[1], CultureInfo.InvariantCulture),
            IsKernelThread = (uint.Parse(fields[6], CultureInfo.InvariantCulture) & PF_KTHREAD) != 0,
            StartTime = ulong.Parse(fields[19], CultureInfo.InvariantCulture),
        };
    }

    /// <summary>
    /// The working directory of a process; null when it is gone. No network or FUSE server is asked, so sizes and times may be old.
    /// </summary>
    public static FileStatus? TryStatCwd(int pid) => TryStatLink(pid, "cwd");

    /// <summary>The root directory of a process, in the same way as <see cref="TryStatCwd"/>.</summary>
    public static FileStatus? TryStatRoot(int pid) => TryStatLink(pid, "root");

    /// <summary>The number of a process's mount namespace; null when it is gone. See namespaces(7).</summary>
    public static ulong? TryMountNamespace(int pid) => TryNamespace(pid, "mnt");

    /// <summary>The number of a process's PID namespace; null when it is gone.</summary>
    public static ulong? TryPidNamespace(int pid) => TryNamespace(pid, "pid");

    /// <summary>
    /// The cgroup v2 of a process, from the root of our view of the hierarchy; null when it is gone, or there is none. See cgroups(7).
    /// </summary>
    public static string? CgroupV2Path(int pid)
    {
        if (TryReadFile(pid, "cgroup") is not { } content)
            return null;
        const string prefix = "0::";
        var line = PathEncoding.Decode(content).Split('\n').FirstOrDefault(line => line.StartsWith(prefix, StringComparison.Ordinal));
        return line?[prefix.Length..];
    }

    internal static IReadOnlyList<ProcessMapping> ParseMappings(string text)
    {
        List<ProcessMapping> found = [];
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 7f01-7f02 rw-s 00001000 08:02 135870 /path with spaces
            var fields = line.Split(' ', 6, StringSplitOptions.None);
            var inode = ulong.Parse(fields[4], CultureInfo.InvariantCulture);
            if (inode == 0)
                continue;
            var addresses = fields[0].Split('-');
            var device = fields[3].Split(':');
            found.Add(new ProcessMapping(
                ParseHex(addresses[0]),
                ParseHex(addresses[1]),
                IsWritable: fields[1][1] == 'w',
                IsShared: fields[1][3] == 's',
                DeviceNumber.Make((uint)ParseHex(device[0]), (uint)ParseHex(device[1])),
                inode,
                fields.Length > 5 ? fields[5].TrimStart(' ').Replace("\\012", "\n", StringComparison.Ordinal) : ""));
        }
        return found;
    }

    private static (int Flags, int MountId) ParseDetails(string text)
    {
        var (flags, mountId) = (0, -1);
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("flags:", StringComparison.Ordinal))
                flags = Convert.ToInt32(line[6..].Trim(), 8);
            else if (line.StartsWith("mnt_id:", StringComparison.Ordinal))
                mountId = int.Parse(line.AsSpan(7).Trim(), CultureInfo.InvariantCulture);
        }
        return (flags, mountId);
    }

    private static ulong ParseHex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static ulong? TryNamespace(int pid, string kind)
    {
        // mnt:[4026531840]
        var text = TryRead(() => Files.ReadLink(LibC.AtWorkingDirectory, PathOf(pid, $"ns/{kind}")));
        return text is null ? null : ulong.Parse(text.AsSpan()[(kind.Length + 2)..^1], CultureInfo.InvariantCulture);
    }

    private static FileStatus? TryStatLink(int pid, string name) =>
        Files.TryStat(LibC.AtWorkingDirectory, PathOf(pid, name), LibC.AT_STATX_DONT_SYNC, out var status) switch
        {
            Errno.None => status,
            Errno.ENOENT or Errno.ESRCH => null,
            var errno => throw new LinuxException($"statx {PathOf(pid, name)}", errno),
        };

    private static byte[]? TryReadFile(int pid, string name) =>
        TryRead(() =>
        {
            using var handle = Files.Open(PathOf(pid, name), OpenFlags.ReadOnly);
            return Files.ReadAll(handle);
        });

    private static SafeFileHandle? TryOpenDirectory(int pid, string name) => TryRead(() => Files.OpenDirectory(PathOf(pid, name)));

    private static List<string> TryList(SafeFileHandle directory) =>
        TryRead(() => Files.List(directory)) is { } entries ? [.. entries.Select(entry => entry.Name)] : [];

    /// <summary>Null when the process, or what was asked of it, is gone.</summary>
    private static T? TryRead<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH)
        {
            return null;
        }
    }

    private static string PathOf(int pid, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{name}");
}
