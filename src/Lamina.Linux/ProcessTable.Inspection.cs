using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>What tells whether a process uses a filesystem: cheap enough to ask of every process of a machine.</content>
public static partial class ProcessTable
{
    /// <summary>
    /// The files that a process has open, each with its status; empty when it is gone. No network or FUSE server is asked, so sizes and
    /// times may be old. A number of a thread other than the first works as well, and tells the files of that thread.
    /// </summary>
    public static IEnumerable<(int Number, FileStatus Status)> OpenFiles(int pid)
    {
        using var directory = TryOpenDirectory(pid, "fd");
        if (directory is null)
            yield break;
        foreach (var name in TryList(directory))
        {
            if (TryStatFollowed(directory, name) is { } status)
                yield return (int.Parse(name, CultureInfo.InvariantCulture), status);
        }
    }

    /// <summary>One open file of a process; null when it is gone.</summary>
    public static ProcessDescriptor? TryDescriptor(int pid, int number)
    {
        var name = number.ToString(CultureInfo.InvariantCulture);
        if (TryRead(() => Files.ReadLink(LibC.AtWorkingDirectory, PathOf(pid, $"fd/{name}"))) is not { } target
            || TryReadFile(pid, $"fdinfo/{name}") is not { } content)
        {
            return null;
        }
        var (flags, mountId) = ParseDetails(Encoding.ASCII.GetString(content));
        return new ProcessDescriptor(number, mountId, flags, target);
    }

    /// <summary>
    /// The files whose pages a process shares, so that its stores go to the file: each mapping with the status of the file behind it, which
    /// unlike the mapping's own numbers is that of stat(2). Empty when the process is gone. Private mappings are passed over unread.
    /// </summary>
    public static IEnumerable<(ProcessMapping Mapping, FileStatus Status)> SharedMappings(int pid)
    {
        if (TryReadFile(pid, "maps") is not { } content)
            yield break;
        var shared = SharedLines(content);
        if (shared.Length == 0)
            yield break;
        using var directory = TryOpenDirectory(pid, "map_files");
        if (directory is null)
            yield break;
        foreach (var mapping in ParseMappings(PathEncoding.Decode(shared)))
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{mapping.Start:x}-{mapping.End:x}");
            if (TryStatFollowed(directory, name) is { } status)
                yield return (mapping, status);
        }
    }

    /// <summary>The threads of a process with what they do; empty when it is gone.</summary>
    public static IReadOnlyList<ThreadStatus> Threads(int pid)
    {
        using var directory = TryOpenDirectory(pid, "task");
        if (directory is null)
            return [];
        List<ThreadStatus> found = [];
        foreach (var name in TryList(directory))
        {
            if (TryReadFile(pid, $"task/{name}/stat") is not { } content)
                continue;
            // The name before it is in parentheses, and can hold some itself.
            var state = (char)content[content.AsSpan().LastIndexOf((byte)')') + 2];
            found.Add(new ThreadStatus(int.Parse(name, CultureInfo.InvariantCulture), state));
        }
        return found;
    }

    /// <summary>The function of the kernel that a thread waits in; empty when it runs, null when it is gone or that is not told.</summary>
    public static string? TryWaitChannel(int pid, int thread)
    {
        var content = TryReadFile(pid, string.Create(CultureInfo.InvariantCulture, $"task/{thread}/wchan"));
        return content is null ? null : Encoding.ASCII.GetString(content) is "0" ? "" : Encoding.ASCII.GetString(content);
    }

    /// <summary>
    /// The path of a process's program in its own view, " (deleted)" at the end when it has been replaced; null when it is gone, or a
    /// part of the kernel.
    /// </summary>
    public static string? TryExecutable(int pid) => TryRead(() => Files.ReadLink(LibC.AtWorkingDirectory, PathOf(pid, "exe")));

    /// <summary>The number of the PID namespace of this process. The first one of the machine has <see cref="HostPidNamespace"/>.</summary>
    public static ulong OwnPidNamespace => TryPidNamespace(Environment.ProcessId) ?? 0;

    /// <summary>The number of the machine's own PID namespace, the same on every machine: PROC_PID_INIT_INO.</summary>
    public const ulong HostPidNamespace = 0xEFFF_FFFC;

    /// <summary>
    /// The processes that live in the machine's own mount namespace whatever happens, as long as our PID namespace is the machine's: the first one, and the
    /// kernel's own second one. Some machines hide the first even from root.
    /// </summary>
    internal static IReadOnlyList<int> FirstOfHost { get; } = [1, 2];

    /// <summary>The number of the machine's own mount namespace; null when it can't be read. Means something in the machine's own PID namespace only.</summary>
    public static ulong? TryHostMountNamespace() => FirstOfHost.Select(pid => TryReadable<ulong?>(pid, TryMountNamespace)).FirstOrDefault(number => number is not null);

    /// <summary>What is to be read of a process; null when it is gone, or we may not read it.</summary>
    internal static T? TryReadable<T>(int pid, Func<int, T?> read)
    {
        try
        {
            return read(pid);
        }
        catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM or Errno.ENOENT or Errno.ESRCH or Errno.EINVAL)
        {
            return default;
        }
    }

    /// <summary>The lines of a maps file that are of shared mappings. Most lines are not, and are not worth a string.</summary>
    internal static byte[] SharedLines(ReadOnlySpan<byte> content)
    {
        var shared = new List<byte>();
        while (!content.IsEmpty)
        {
            var end = content.IndexOf((byte)'\n');
            var line = end < 0 ? content : content[..(end + 1)];
            // 7f01-7f02 rw-s 00001000 08:02 135870 /path
            var flags = line.IndexOf((byte)' ') + 1;
            if (flags > 0 && flags + 3 < line.Length && line[flags + 3] == (byte)'s')
                shared.AddRange(line);
            content = content[line.Length..];
        }
        return [.. shared];
    }

    private static FileStatus? TryStatFollowed(SafeFileHandle directory, string name) =>
        Files.TryStat(directory, name, LibC.AT_STATX_DONT_SYNC, out var status) switch
        {
            Errno.None => status,
            // The last two: a server of a network filesystem that has gone, which is none of ours.
            Errno.ENOENT or Errno.ESRCH or Errno.ESTALE or Errno.ENOTCONN => null,
            var errno => throw LinuxException.Of("statx", errno, directory, name),
        };
}
