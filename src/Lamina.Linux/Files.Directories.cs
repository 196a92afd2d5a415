using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Directories: making and listing.</content>
public static unsafe partial class Files
{
    private const uint AllModeBits = 0xfff;

    /// <summary>Makes a directory with exactly this mode, whatever the umask and the parent's set-group-id bit say. See mkdir(2).</summary>
    /// <exception cref="LinuxException">EEXIST, ENOSPC, EDQUOT.</exception>
    public static void MakeDirectory(SafeFileHandle directory, string name, int mode)
    {
        if (!TryMakeDirectory(directory, name, mode))
            throw LinuxException.At("mkdir", Errno.EEXIST, directory, name);
    }

    /// <summary>Makes a directory with exactly this mode; false when the name is taken, by whatever. See mkdir(2).</summary>
    public static bool TryMakeDirectory(SafeFileHandle directory, string name, int mode)
    {
        if (LibC.mkdirat(directory, name, (uint)mode) < 0)
            return LinuxException.LastErrno == Errno.EEXIST ? false : throw LinuxException.Last("mkdir", directory, name);

        // The umask of the process can't be read without setting it for all threads, so the mode is set again.
        using var made = OpenDirectoryAt(directory, name);
        ChangeMode(made, (uint)mode);
        return true;
    }

    /// <summary>
    /// Makes a directory and those above it that are missing, each with exactly this mode; those that exist stay as they are.
    /// </summary>
    /// <exception cref="LinuxException">ENOTDIR when a component is something else.</exception>
    public static void MakeDirectories(string path, int mode)
    {
        var current = Open(path.StartsWith('/') ? "/" : ".", OpenFlags.Path | OpenFlags.Directory);
        try
        {
            foreach (var component in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                TryMakeDirectory(current, component, mode);
                var next = OpenAt(current, component, OpenFlags.Path | OpenFlags.Directory);
                current.Dispose();
                current = next;
            }
        }
        finally
        {
            current.Dispose();
        }
    }

    /// <summary>
    /// All names in a directory, from its beginning whatever was read before, without <c>.</c> and <c>..</c>, in the filesystem's order.
    /// See getdents64(2).
    /// </summary>
    /// <param name="directory">
    /// Opened for reading; EBADF for a <see cref="OpenFlags.Path"/> handle. Its position moves, so not from two threads at once.
    /// </param>
    public static IReadOnlyList<DirectoryEntry> List(SafeFileHandle directory) => [.. Enumerate(directory)];

    /// <summary>
    /// Like <see cref="List"/>, but read as it is asked for, so that a directory of millions needs no memory. Removing names on the way is
    /// allowed; names that come on the way may or may not be seen.
    /// </summary>
    public static IEnumerable<DirectoryEntry> Enumerate(SafeFileHandle directory)
    {
        using var reader = new DirectoryReader(directory);
        while (reader.TryRead(out var entry))
        {
            // Filesystems without types in their directories say "unknown", and so does a name that has just gone.
            if (entry.Kind == FileKind.Unknown && TryStatAt(directory, entry.Name) is { } status)
                entry = entry with { Kind = status.Kind };
            yield return entry;
        }
    }
}
