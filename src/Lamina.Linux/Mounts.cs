using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Mounting by descriptor. A mount is made detached, given its properties, and attached in one step, so nobody ever sees it half made; a
/// detached one that is not attached goes with its handle. All of it wants CAP_SYS_ADMIN (EPERM). See fsopen(2), open_tree(2),
/// move_mount(2).
/// </summary>
public static unsafe partial class Mounts
{
    // The access-time properties are one field, which the kernel wants cleared when it is set.
    private const MountAttributes AccessTimeField = (MountAttributes)0x70;

    /// <summary>A detached mount of a filesystem.</summary>
    /// <param name="type">As in /proc/filesystems.</param>
    /// <param name="source">A device path, or what the mount table is to show; null: none.</param>
    /// <param name="options">
    /// The filesystem's own options; without a value: a flag. <c>ro</c> makes the filesystem read-only, not just the mount.
    /// </param>
    /// <param name="attributes">Properties of the mount.</param>
    /// <exception cref="LinuxException">
    /// ENODEV for an unknown type, EINVAL for an unknown option or another filesystem's content, EBUSY, EROFS. What the filesystem has
    /// to say is the <see cref="LinuxException.Detail"/>.
    /// </exception>
    public static SafeFileHandle CreateFileSystem(
        string type, string? source, IEnumerable<KeyValuePair<string, string?>> options, MountAttributes attributes)
    {
        using var context = new FileSystemContext(type);
        if (source is not null)
            context.Set("source", source);
        foreach (var (key, value) in options)
            context.Set(key, value);
        context.Create();
        return context.Mount(attributes);
    }

    /// <summary>A detached bind mount of a directory or file.</summary>
    /// <param name="source">What to bind, also a <see cref="OpenFlags.Path"/> handle.</param>
    /// <param name="recursive">With the mounts beneath it.</param>
    /// <exception cref="LinuxException">EINVAL when the source is in another mount namespace or unbindable.</exception>
    public static SafeFileHandle CloneTree(SafeFileHandle source, bool recursive = false)
    {
        var flags = LibC.OPEN_TREE_CLONE | LibC.O_CLOEXEC | LibC.AT_EMPTY_PATH | (recursive ? LibC.AT_RECURSIVE : 0u);
        var descriptor = LibC.open_tree(source, "", flags);
        return descriptor >= 0 ? Files.Own((int)descriptor) : throw LinuxException.Last("open_tree", source);
    }

    /// <summary>Changes the properties of a mount, attached or not. See mount_setattr(2).</summary>
    /// <param name="mount">A handle of the mount's root.</param>
    /// <param name="set">To switch on.</param>
    /// <param name="clear">To switch off.</param>
    /// <param name="propagation">What to make of its propagation.</param>
    /// <param name="recursive">Also for all mounts beneath it: all or none.</param>
    /// <exception cref="LinuxException">
    /// EBUSY for <see cref="MountAttributes.ReadOnly"/> while a file is open for writing; EINVAL when the handle is not a mount's root.
    /// </exception>
    public static void SetAttributes(
        SafeFileHandle mount,
        MountAttributes set,
        MountAttributes clear,
        MountPropagation propagation = MountPropagation.Unchanged,
        bool recursive = false)
    {
        if (((set | clear) & AccessTimeField) != 0)
            clear |= AccessTimeField;
        var attributes = new LibC.MountAttr { Set = (ulong)set, Clear = (ulong)clear, Propagation = (ulong)propagation };
        var flags = LibC.AT_EMPTY_PATH | (recursive ? LibC.AT_RECURSIVE : 0u);
        if (LibC.mount_setattr(mount, "", (uint)flags, &attributes) < 0)
            throw LinuxException.Last("mount_setattr", mount);
    }

    /// <summary>Attaches a detached mount at exactly the open file or directory, whatever its name is now. See move_mount(2).</summary>
    /// <exception cref="LinuxException">
    /// EINVAL when one is a directory and the other is not, or the target is in another mount namespace.
    /// </exception>
    public static void Attach(SafeFileHandle mount, SafeFileHandle target)
    {
        if (LibC.move_mount(mount, "", target, "", LibC.MOVE_MOUNT_F_EMPTY_PATH | LibC.MOVE_MOUNT_T_EMPTY_PATH) < 0)
            throw LinuxException.Last("move_mount to", target);
    }

    /// <summary>Attaches a detached mount at a path, which must not end in a symbolic link.</summary>
    public static void Attach(SafeFileHandle mount, string target)
    {
        if (LibC.move_mount(mount, "", LibC.AtWorkingDirectory, target, LibC.MOVE_MOUNT_F_EMPTY_PATH) < 0)
            throw LinuxException.Last($"move_mount to {target}");
    }

    /// <summary>Unmounts what is on top at a path; never lazily, never through a symbolic link. See umount(2).</summary>
    /// <exception cref="LinuxException">EBUSY while it is in use, EINVAL when it is no mount point, ENOENT.</exception>
    public static void Unmount(string target)
    {
        if (!TryUnmount(target))
            throw new LinuxException($"unmount {target}", Errno.EBUSY);
    }

    /// <summary>Like <see cref="Unmount"/>; false while it is in use (EBUSY).</summary>
    public static bool TryUnmount(string target)
    {
        if (LibC.umount2(target, LibC.UMOUNT_NOFOLLOW) == 0)
            return true;
        return LinuxException.LastErrno == Errno.EBUSY ? false : throw LinuxException.Last($"unmount {target}");
    }
}
