using System.Globalization;
using System.Text;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Gives a group access to every file of a volume: the group, read and write for it, and on directories search and set-group-id, so that what
/// is made later has the group too.
/// </summary>
/// <remarks>
/// A big tree is walked once. When all of it is done the root gets an attribute that names the group; while that is there and the root looks as
/// it was left, the rest is taken for granted. The attribute is <c>trusted</c>, so no container can forge it, and as it lies in the volume itself
/// it goes with every snapshot and clone, and never names what a power cut has undone: the tree is flushed before.
/// </remarks>
internal static class GroupAccess
{
    /// <summary>The attribute on the root of a tree that was done as a whole.</summary>
    internal const string DoneAttribute = "trusted.lamina.group";

    // What chown(2) takes for "leave it".
    private const uint SameOwner = uint.MaxValue;
    private const uint SetGroupId = 0x400;
    private const uint ForFiles = 0x30;
    private const uint ForDirectories = ForFiles | 0x8 | SetGroupId;

    /// <summary>Gives a mounted tree to a group.</summary>
    /// <returns>How many files and directories were changed, and how many could not be, being immutable; null when nothing had to be looked at.</returns>
    internal static (long Changed, long Protected)? Give(SafeFileHandle root, uint group)
    {
        var mark = Encoding.ASCII.GetBytes(group.ToString(CultureInfo.InvariantCulture));
        if (Has(Files.Stat(root), group) && ExtendedAttributes.Get(root, DoneAttribute) is { } done && done.AsSpan().SequenceEqual(mark))
            return null;

        // It would be true of the group before, and is not any more from the first change on.
        if (ExtendedAttributes.Get(root, DoneAttribute) is not null)
            ExtendedAttributes.Remove(root, DoneAttribute);
        long changed = 0, kept = 0;
        var rootChanges = !Has(Files.Stat(root), group);
        TreeWalk.Run(
            root,
            directory => Count(TryChange(directory, group)),
            (directory, name, status) => Count(Has(status, group) ? null : TryChange(directory, name, group)));
        // What lies in the root itself is one with the attribute; anything else must be there before it.
        if (changed > (rootChanges ? 1 : 0))
            Files.FlushFileSystem(root);
        ExtendedAttributes.Set(root, DoneAttribute, mark);
        return (changed, kept);

        void Count(bool? outcome)
        {
            changed += outcome is true ? 1 : 0;
            kept += outcome is false ? 1 : 0;
        }
    }

    // The mode of a symbolic link means nothing and can't be changed.
    private static bool Has(FileStatus status, uint group) =>
        status.Gid == group && (status.Kind == FileKind.SymbolicLink || (status.Mode & Wanted(status)) == Wanted(status));

    private static uint Wanted(FileStatus status) => status.Kind == FileKind.Directory ? ForDirectories : ForFiles;

    private static bool? TryChange(SafeFileHandle directory, string name, uint group)
    {
        try
        {
            // The place only: neither a FIFO nor a device is opened, and what is changed is what was looked at.
            using var file = Files.OpenAt(directory, name, OpenFlags.Path | OpenFlags.NoFollow);
            return TryChange(file, group);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            return null;
        }
    }

    // False where it is protected (immutable, append-only, a read-only subvolume): its owner wants it so, and can still be read.
    private static bool? TryChange(SafeFileHandle file, uint group)
    {
        var status = Files.Stat(file);
        if (Has(status, group))
            return null;
        try
        {
            if (status.Gid != group)
                Files.ChangeOwner(file, SameOwner, group);
            // Also where only the owner was changed: chown(2) takes the set-id bits away.
            if (status.Kind != FileKind.SymbolicLink)
                Files.ChangeMode(file, status.Mode | Wanted(status));
            return true;
        }
        catch (LinuxException e) when (e.Errno is Errno.EPERM or Errno.EROFS)
        {
            return false;
        }
    }
}
