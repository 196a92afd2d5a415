using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Recursive removal that can't be led astray: it goes from descriptor to descriptor, follows no symbolic link, and never enters another
/// mount, filesystem or Btrfs subvolume.
/// </summary>
public static class TreeRemoval
{
    // Names that appear while we remove are removed too, but somebody who keeps making them must not keep us.
    private const int MaxPasses = 8;
    private const ulong SubvolumeRootInode = 256;

    /// <summary>BTRFS_EMPTY_SUBVOL_DIR_OBJECTID, in btrfs_tree.h.</summary>
    private const ulong SubvolumePlaceholderInode = 2;

    /// <summary>Removes a file or a directory with all that is in it. No such name is success, as is one that vanishes meanwhile.</summary>
    /// <param name="directory">Where. Nothing may be mounted between it and <paramref name="name"/>.</param>
    /// <param name="name">What.</param>
    /// <param name="cancellationToken">Stops between two names; what is gone is gone.</param>
    /// <exception cref="LinuxException">
    /// EXDEV, naming the place, when a mount, another filesystem or a subvolume is met: that place and the directories above it stay,
    /// the rest may be gone. ESTALE when a directory was moved while we were in it. ENOTEMPTY when names keep appearing.
    /// </exception>
    /// <remarks>
    /// One descriptor and the names of the waiting sibling directories are held, whatever the depth. Where EPERM stops it, the
    /// immutable and append-only flags are cleared.
    /// </remarks>
    public static void Remove(SafeFileHandle directory, string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Files.TryStatAt(directory, name) is not { } status)
            return;
        var border = new Border(Files.Stat(directory), Files.StatFs(directory).Kind == FileSystemKind.Btrfs);
        if (status.Kind != FileKind.Directory)
            RemoveFile(directory, name);
        else
            RemoveTree(directory, name, border, cancellationToken);
    }

    private static void RemoveTree(SafeFileHandle top, string name, Border border, CancellationToken cancellationToken)
    {
        var parents = new Stack<Level>();
        var level = new Level("", Files.Stat(top));
        level.Waiting.Push(name);
        var current = top;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (level.Waiting.TryPop(out var child))
                {
                    if (Enter(current, child, border) is not { } entered)
                        continue;
                    parents.Push(level);
                    level = new Level(child, entered.Status);
                    MoveTo(entered.Handle);
                    RemoveFiles(current, level.Waiting, cancellationToken);
                    continue;
                }
                if (!parents.TryPop(out var parent))
                    return;

                MoveTo(parents.Count == 0 ? top : Ascend(current, parent));
                if (!TryRemoveDirectory(current, level.Name) && !parent.TryAgain(level.Name))
                    throw LinuxException.At("rmdir", Errno.ENOTEMPTY, current, level.Name);
                level = parent;
            }
        }
        finally
        {
            MoveTo(top);
        }

        void MoveTo(SafeFileHandle next)
        {
            // The topmost belongs to the caller.
            if (!ReferenceEquals(current, top))
                current.Dispose();
            current = next;
        }
    }

    /// <summary>Removes all that is not a directory, and collects the directories.</summary>
    private static void RemoveFiles(SafeFileHandle directory, Stack<string> directories, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var entry in Files.Enumerate(directory))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry.Kind == FileKind.Directory)
                    directories.Push(entry.Name);
                else
                    RemoveFile(directory, entry.Name);
            }
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            // Somebody else has removed the directory that we are in.
        }
    }

    /// <summary>Opens a directory in the tree, or returns null when it has vanished or is no directory any more.</summary>
    private static (SafeFileHandle Handle, FileStatus Status)? Enter(SafeFileHandle parent, string name, Border border)
    {
        SafeFileHandle handle;
        try
        {
            handle = Files.OpenDirectoryAt(parent, name);
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOTDIR or Errno.ELOOP)
        {
            RemoveFile(parent, name);
            return null;
        }

        var status = Files.Stat(handle);
        if (!border.IsCrossedBy(status))
            return (handle, status);
        var place = Files.Describe(handle);
        handle.Dispose();
        if (border.IsPlaceholder(status) && TryRemoveDirectory(parent, name))
            return null;
        throw Crossing(place);
    }

    /// <summary>Opens the directory above, which must be the one that we came from.</summary>
    private static SafeFileHandle Ascend(SafeFileHandle current, Level parent)
    {
        var above = Files.OpenDirectoryAt(current, "..");
        var status = Files.Stat(above);
        if (status.IsSameFile(parent.Status) && status.MountId == parent.Status.MountId)
            return above;
        above.Dispose();
        throw LinuxException.Of("remove", Errno.ESTALE, current, "the directory was moved while it was being removed");
    }

    private static void RemoveFile(SafeFileHandle directory, string name)
    {
        try
        {
            Unprotecting(directory, name, static (directory, name) => Files.TryUnlink(directory, name));
        }
        catch (LinuxException e) when (e.Errno == Errno.EBUSY && Files.TryStatAt(directory, name) is { IsMountRoot: true })
        {
            throw Crossing(Files.Describe(directory, name));
        }
    }

    /// <summary>False when it is not empty.</summary>
    private static bool TryRemoveDirectory(SafeFileHandle parent, string name)
    {
        try
        {
            Unprotecting(parent, name, Files.RemoveDirectory);
            return true;
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return true;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOTEMPTY or Errno.EEXIST)
        {
            return false;
        }
        catch (LinuxException e) when (e.Errno == Errno.EBUSY && Files.TryStatAt(parent, name) is { IsMountRoot: true })
        {
            throw Crossing(Files.Describe(parent, name));
        }
    }

    /// <summary>
    /// Removes, and once more after flags that forbid it are cleared; they can be on the file as well as on its directory.
    /// </summary>
    private static void Unprotecting(SafeFileHandle directory, string name, Action<SafeFileHandle, string> remove)
    {
        try
        {
            remove(directory, name);
            return;
        }
        catch (LinuxException e) when (e.Errno == Errno.EPERM && ClearProtection(directory, name))
        {
        }
        remove(directory, name);
    }

    private static bool ClearProtection(SafeFileHandle directory, string name)
    {
        var cleared = Files.TryClearProtection(directory);
        // Only these have flags; opening a device could do anything.
        if (Files.TryStatAt(directory, name) is not { Kind: FileKind.Regular or FileKind.Directory })
            return cleared;
        try
        {
            using var handle = Files.OpenAt(directory, name, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock);
            return Files.TryClearProtection(handle) || cleared;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ELOOP)
        {
            return true;
        }
    }

    private static LinuxException Crossing(string place) =>
        new($"remove {place}", Errno.EXDEV, "a mount, another filesystem or a subvolume begins here");

    /// <summary>A directory on the way down.</summary>
    private sealed class Level(string name, FileStatus status)
    {
        private (string Name, int Passes) _refilled = ("", 0);

        public string Name { get; } = name;

        public FileStatus Status { get; } = status;

        /// <summary>Directories in it that are still to be removed.</summary>
        public Stack<string> Waiting { get; } = new();

        /// <summary>Goes through a directory once more into which something came meanwhile; false when that has been enough.</summary>
        public bool TryAgain(string child)
        {
            _refilled = (child, _refilled.Name == child ? _refilled.Passes + 1 : 1);
            Waiting.Push(child);
            return _refilled.Passes < MaxPasses;
        }
    }

    /// <summary>What we must stay within.</summary>
    private readonly record struct Border(FileStatus Start, bool IsBtrfs)
    {
        public bool IsCrossedBy(FileStatus place) =>
            place.MountId != Start.MountId
            || place.Device != Start.Device
            // A subvolume has a device number of its own, but its root also shows itself by the inode; either is enough.
            || (IsBtrfs && place.Inode == SubvolumeRootInode);

        /// <summary>
        /// Whether it is the directory that a Btrfs snapshot shows in the place of a nested subvolume. It can hold nothing, and rmdir(2) takes it
        /// away; even if something else came into its place meanwhile, that removes nothing that is not empty.
        /// </summary>
        public bool IsPlaceholder(FileStatus place) =>
            IsBtrfs && place.MountId == Start.MountId && !place.IsMountRoot && place.Inode == SubvolumePlaceholderInode;
    }
}
