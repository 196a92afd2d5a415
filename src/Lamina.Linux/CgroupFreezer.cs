using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Stops all processes of a cgroup v2 and of those below it, as if they were never scheduled; they don't notice. A directory is one under
/// the mount of the hierarchy. See cgroups(7), and cgroup.freeze in the kernel's Documentation/admin-guide/cgroup-v2.rst.
/// </summary>
public static unsafe class CgroupFreezer
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Like <see cref="TryFreeze(string, TimeSpan)"/>, with five seconds' patience.</summary>
    public static bool TryFreeze(string cgroupDirectory) => TryFreeze(cgroupDirectory, s_patience);

    /// <summary>Freezes, and returns when all are stopped. Who freezes thaws: a frozen cgroup outlives us.</summary>
    /// <returns>
    /// False when it can't be frozen (the root, a hierarchy of v1, a cgroup that is gone) or was not within <paramref
    /// name="patience"/>, as a process waiting for a disk isn't; then it is thawed again.
    /// </returns>
    public static bool TryFreeze(string cgroupDirectory, TimeSpan patience)
    {
        if (!TryWrite(cgroupDirectory, "1"u8))
            return false;
        var frozen = false;
        try
        {
            frozen = WaitUntilFrozen(cgroupDirectory, patience);
        }
        finally
        {
            if (!frozen)
                Thaw(cgroupDirectory);
        }
        return frozen;
    }

    /// <summary>Lets the processes run again; nothing happens when it is not frozen, or gone.</summary>
    /// <remarks>They stay frozen if a cgroup above is.</remarks>
    public static void Thaw(string cgroupDirectory) => TryWrite(cgroupDirectory, "0"u8);

    /// <summary>Whether all its processes are stopped, whoever asked for it.</summary>
    public static bool IsFrozen(string cgroupDirectory)
    {
        try
        {
            using var events = Files.Open($"{cgroupDirectory}/cgroup.events", OpenFlags.ReadOnly);
            return IsFrozen(events);
        }
        catch (LinuxException e) when (IsAbsent(e.Errno))
        {
            return false;
        }
    }

    /// <summary>The processes in it and in those below it, as they are stopped together; empty when it is gone.</summary>
    public static IReadOnlyList<int> Members(string cgroupDirectory)
    {
        List<int> members = [];
        var waiting = new Stack<string>([cgroupDirectory]);
        while (waiting.TryPop(out var path))
        {
            try
            {
                using var directory = Files.OpenDirectory(path);
                foreach (var entry in Files.Enumerate(directory))
                {
                    if (entry.Kind == FileKind.Directory)
                        waiting.Push($"{path}/{entry.Name}");
                }
                var content = Files.TryReadAllAt(directory, "cgroup.procs") ?? [];
                foreach (var line in Encoding.ASCII.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    members.Add(int.Parse(line, CultureInfo.InvariantCulture));
            }
            catch (LinuxException e) when (IsAbsent(e.Errno))
            {
                // Removed meanwhile; or a cgroup of threads, whose processes are listed further up.
            }
        }
        return members;
    }

    private static bool TryWrite(string cgroupDirectory, ReadOnlySpan<byte> value)
    {
        try
        {
            using var handle = Files.Open($"{cgroupDirectory}/cgroup.freeze", OpenFlags.WriteOnly);
            Files.WriteAll(handle, 0, value);
            return true;
        }
        catch (LinuxException e) when (IsAbsent(e.Errno))
        {
            return false;
        }
    }

    private static bool WaitUntilFrozen(string cgroupDirectory, TimeSpan patience)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            using var events = Files.Open($"{cgroupDirectory}/cgroup.events", OpenFlags.ReadOnly);
            while (!IsFrozen(events))
            {
                var rest = patience - watch.Elapsed;
                if (rest <= TimeSpan.Zero)
                    return false;
                WaitForChange(events, (int)Math.Ceiling(rest.TotalMilliseconds));
            }
            return true;
        }
        catch (LinuxException e) when (IsAbsent(e.Errno))
        {
            return false;
        }
    }

    private static void WaitForChange(SafeFileHandle events, int milliseconds)
    {
        var addedReference = false;
        try
        {
            events.DangerousAddRef(ref addedReference);
            var descriptor = new LibC.PollDescriptor { Descriptor = (int)events.DangerousGetHandle(), Events = LibC.POLLPRI };
            // Interrupted or not, the caller looks again.
            _ = LibC.poll(&descriptor, 1, milliseconds);
        }
        finally
        {
            if (addedReference)
                events.DangerousRelease();
        }
    }

    private static bool IsFrozen(SafeFileHandle events) =>
        Encoding.ASCII.GetString(Files.ReadAll(events)).Split('\n').Contains("frozen 1");

    private static bool IsAbsent(Errno errno) => errno is Errno.ENOENT or Errno.ENODEV or Errno.EOPNOTSUPP or Errno.ENOTDIR;
}
