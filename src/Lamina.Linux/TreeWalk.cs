using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Visits a tree that others may be changing, and can't be led out of it: it goes from descriptor to descriptor, follows no symbolic link, and
/// enters no other mount. Subvolumes that are not mounts of their own belong to the tree.
/// </summary>
public static class TreeWalk
{
    // Whoever keeps moving directories must not keep us.
    private const int MaxPasses = 8;

    /// <summary>Visits every directory, each before what is in it and the root first, and every other file.</summary>
    /// <param name="root">The tree, opened for reading.</param>
    /// <param name="enter">Called with every directory.</param>
    /// <param name="visit">Called with a directory and the name and state of what is in it and is none itself; it may be gone since.</param>
    /// <exception cref="LinuxException">ESTALE when directories that we were in are moved again and again.</exception>
    /// <remarks>
    /// One descriptor and the names of the waiting sibling directories are held, whatever the depth. When a directory is moved that we are in,
    /// the walk begins again, so both calls must bear a repetition.
    /// </remarks>
    public static void Run(SafeFileHandle root, Action<SafeFileHandle> enter, Action<SafeFileHandle, string, FileStatus> visit)
    {
        for (var pass = 1; !TryRun(root, enter, visit); pass++)
        {
            if (pass == MaxPasses)
                throw LinuxException.Of("walk", Errno.ESTALE, root, "directories in it are being moved all the time");
        }
    }

    private static bool TryRun(SafeFileHandle root, Action<SafeFileHandle> enter, Action<SafeFileHandle, string, FileStatus> visit)
    {
        var start = Files.Stat(root);
        var parents = new Stack<Level>();
        var level = new Level(start);
        var current = root;
        try
        {
            enter(root);
            Visit(root, start, level.Waiting, visit);
            while (true)
            {
                if (level.Waiting.TryPop(out var child))
                {
                    if (Enter(current, child, start) is not { } entered)
                        continue;
                    parents.Push(level);
                    level = new Level(entered.Status);
                    MoveTo(entered.Handle);
                    enter(current);
                    Visit(current, start, level.Waiting, visit);
                    continue;
                }
                if (!parents.TryPop(out var parent))
                    return true;
                if (parents.Count == 0)
                {
                    MoveTo(root);
                }
                else
                {
                    var above = Files.OpenDirectoryAt(current, "..");
                    MoveTo(above);
                    if (!Files.Stat(above).IsSameFile(parent.Status))
                        return false;
                }
                level = parent;
            }
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT && !ReferenceEquals(current, root))
        {
            // The directory that we were in is gone, and so is the way up from it.
            return false;
        }
        finally
        {
            MoveTo(root);
        }

        void MoveTo(SafeFileHandle next)
        {
            // The root belongs to the caller.
            if (!ReferenceEquals(current, root))
                current.Dispose();
            current = next;
        }
    }

    private static void Visit(SafeFileHandle directory, FileStatus start, Stack<string> directories, Action<SafeFileHandle, string, FileStatus> visit)
    {
        foreach (var entry in Files.Enumerate(directory))
        {
            if (entry.Kind == FileKind.Directory)
                directories.Push(entry.Name);
            else if (Files.TryStatAt(directory, entry.Name) is { Kind: not FileKind.Directory } status && status.MountId == start.MountId)
                visit(directory, entry.Name, status);
        }
    }

    /// <summary>Opens a directory of the tree; null when it has vanished, is no directory any more, or something is mounted there.</summary>
    private static (SafeFileHandle Handle, FileStatus Status)? Enter(SafeFileHandle parent, string name, FileStatus start)
    {
        SafeFileHandle handle;
        try
        {
            handle = Files.OpenDirectoryAt(parent, name);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return null;
        }
        var status = Files.Stat(handle);
        if (status.MountId == start.MountId)
            return (handle, status);
        handle.Dispose();
        return null;
    }

    /// <summary>A directory on the way down.</summary>
    private sealed record Level(FileStatus Status)
    {
        /// <summary>Directories in it that are still to be entered.</summary>
        public Stack<string> Waiting { get; } = new();
    }
}
