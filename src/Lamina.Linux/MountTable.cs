using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>The mounts of one mount namespace at one moment. See proc_pid_mountinfo(5).</summary>
public sealed unsafe class MountTable
{
    private const int MaxReads = 16;

    private MountTable(IReadOnlyList<MountEntry> entries)
    {
        Entries = entries;
    }

    /// <summary>All of them, in the kernel's order.</summary>
    public IReadOnlyList<MountEntry> Entries { get; }

    /// <summary>A table from its text. Escapes are undone.</summary>
    /// <exception cref="FormatException">A line is not of the form that the manual page tells.</exception>
    public static MountTable Parse(string text)
    {
        List<MountEntry> entries = [];
        // The kernel ends lines with a newline and escapes it in names. Whatever else ends lines elsewhere may stand in a name as it is.
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            entries.Add(ParseLine(line));
        return new MountTable(entries);
    }

    /// <summary>The table of this process.</summary>
    public static MountTable Read() => Read("/proc/self/mountinfo");

    /// <summary>The table of another process.</summary>
    /// <exception cref="LinuxException">ENOENT or ESRCH when it is gone, EINVAL for a zombie.</exception>
    public static MountTable Read(int pid) => Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/mountinfo"));

    /// <summary>
    /// The mount of this namespace through which an open file was reached; null when it has been unmounted since. See proc_pid_fdinfo(5).
    /// </summary>
    public static MountEntry? Of(SafeFileHandle handle)
    {
        using var directory = Files.OpenDirectory("/proc/self/fdinfo");
        var info = Encoding.ASCII.GetString(Files.TryReadAllAt(directory, Path.GetFileName(Files.PathOf(handle)))!);
        var line = info.Split('\n').First(line => line.StartsWith("mnt_id:", StringComparison.Ordinal));
        var id = int.Parse(line.AsSpan("mnt_id:".Length), CultureInfo.InvariantCulture);
        return Read().Entries.FirstOrDefault(entry => entry.Id == id);
    }

    /// <summary>
    /// What was mounted last at exactly this path; null when nothing is. It can be hidden by a mount on a directory above.
    /// </summary>
    public MountEntry? FindTop(string mountPoint)
    {
        var here = At(mountPoint).ToList();
        // Of several, each is attached to the one beneath; the order of lines follows the making of mounts, not their attaching.
        return here.FindLast(entry => !here.Exists(other => other != entry && other.ParentId == entry.Id)) ?? here.LastOrDefault();
    }

    /// <summary>All that is mounted at exactly this path, one over another.</summary>
    public IEnumerable<MountEntry> At(string mountPoint)
    {
        var path = Normalized(mountPoint);
        return Entries.Where(entry => entry.MountPoint == path);
    }

    /// <summary>All that is mounted at this path or under it.</summary>
    public IEnumerable<MountEntry> Beneath(string path)
    {
        var top = Normalized(path);
        var prefix = top == "/" ? top : top + "/";
        return Entries.Where(entry => entry.MountPoint == top || entry.MountPoint.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static MountTable Read(string path)
    {
        // The kernel hands out a page at a time, and between two of them the table can change. It also tells a reader that polls
        // whether it has changed since the file was opened or last asked; then all is read again.
        using var handle = Files.Open(path, OpenFlags.ReadOnly);
        for (var attempt = 1; ; attempt++)
        {
            var content = Files.ReadAll(handle);
            if (!HasChanged(handle) || attempt == MaxReads)
                return Parse(PathEncoding.Decode(content));
        }
    }

    private static bool HasChanged(SafeFileHandle handle)
    {
        var addedReference = false;
        try
        {
            handle.DangerousAddRef(ref addedReference);
            var descriptor = new LibC.PollDescriptor { Descriptor = (int)handle.DangerousGetHandle(), Events = LibC.POLLPRI };
            int result;
            do
                result = LibC.poll(&descriptor, 1, 0);
            while (LibC.Interrupted(result));
            return (descriptor.Returned & (LibC.POLLPRI | LibC.POLLERR)) != 0;
        }
        finally
        {
            if (addedReference)
                handle.DangerousRelease();
        }
    }

    private static string Normalized(string path)
    {
        var trimmed = path.TrimEnd('/');
        return trimmed.Length == 0 ? "/" : trimmed;
    }

    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    private static MountEntry ParseLine(string line)
    {
        var fields = line.Split(' ');
        var separator = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        // The source may be empty, which still leaves its two spaces.
        if (separator < 0 || fields.Length < separator + 4)
            throw new FormatException($"Not a line of a mount table: {line}");

        var device = fields[2].Split(':');
        if (device.Length != 2)
            throw new FormatException($"Not a device number in a mount table: {line}");
        return new MountEntry(
            int.Parse(fields[0], CultureInfo.InvariantCulture),
            int.Parse(fields[1], CultureInfo.InvariantCulture),
            uint.Parse(device[0], CultureInfo.InvariantCulture),
            uint.Parse(device[1], CultureInfo.InvariantCulture),
            Unescape(fields[3]),
            Unescape(fields[4]),
            fields[5],
            fields[6..separator],
            Unescape(fields[separator + 1]),
            Unescape(fields[separator + 2]),
            string.Join(' ', fields[(separator + 3)..]));
    }

    /// <summary>
    /// Turns <c>\040</c> and the like back, as they stand in this and other tables of the kernel. It escapes single bytes below 0x80 only.
    /// </summary>
    public static string Unescape(string field)
    {
        if (!field.Contains('\\'))
            return field;
        var text = new System.Text.StringBuilder(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && field.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                text.Append((char)((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0')));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }
        return text.ToString();
    }
}
