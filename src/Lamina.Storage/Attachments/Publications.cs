using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Bind mounts of attached volumes at paths that a front door names. Others can change what lies at such a path, so its parent is opened once,
/// through no symbolic link, and everything else is done by that descriptor.
/// </summary>
internal static class Publications
{
    /// <summary>Whether something is mounted at the target.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: a symbolic link lies on the path. Others: what lies there does not answer, or may not be looked at.
    /// </exception>
    internal static bool IsMounted(MountTarget target)
    {
        try
        {
            using var parent = TryOpenParent(target);
            return parent is not null && IsMountRoot(parent, target.Name);
        }
        catch (LinuxException e)
        {
            throw StorageException.From($"look at {target}", e);
        }
    }

    /// <summary>Makes the target, whose parent exists, and mounts there the volume's tree, or the node of its device.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: a symbolic link lies on the path, or there is no parent.
    /// <see cref="StorageError.FailedPrecondition"/>: something else is there, or the host would not see it.
    /// </exception>
    internal static void Mount(string mountPoint, MountTarget target, bool readOnly, MountFlags flags)
    {
        using var parent = TryOpenParent(target)
            ?? throw new StorageException(StorageError.InvalidArgument, $"the directory {target.Parent} that should hold the target does not exist");
        HostView.Check(parent, target.Parent);
        using var source = Files.Open(mountPoint, OpenFlags.Path | OpenFlags.NoFollow);
        var isDevice = Files.Stat(source).Kind == FileKind.BlockDevice;
        MakeTarget(parent, target, isDevice);
        using var place = OpenTarget(parent, target);
        CheckTarget(place, target, isDevice);
        using var tree = Mounts.CloneTree(source);
        flags.Apply(tree);
        if (readOnly)
            Mounts.SetAttributes(tree, MountAttributes.ReadOnly, MountAttributes.None);
        Mounts.Attach(tree, place);
    }

    /// <summary>Unmounts the target and removes it. Gone already is fine; what else lies there is never removed.</summary>
    /// <param name="target">The target.</param>
    /// <param name="isOurs">Judges by device and root whether a mount found there is of the volume.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it is still used, or not ours.</exception>
    internal static void Unmount(MountTarget target, Func<MountDetails, bool> isOurs)
    {
        using var parent = TryOpenParent(target);
        if (parent is null || Files.TryStatAt(parent, target.Name) is null)
            return;

        // By the parent's descriptor: nobody can put another path in its place between the check and the unmount.
        var path = $"{Files.PathOf(parent)}/{target.Name}";
        while (IsMountRoot(parent, target.Name))
        {
            if (MountAt(parent, target.Name) is { } mount && !isOurs(mount))
                throw new StorageException(StorageError.FailedPrecondition, $"what is mounted at {target} is not this volume ({mount.FileSystemType}, root {mount.Root}); it stays");
            if (!Unmounting.TryUnmount(path))
                throw new StorageException(StorageError.FailedPrecondition, $"{target} is still in use: a process has files open there, or its working directory");
        }
        try
        {
            Remove(parent, target);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOTEMPTY or Errno.EEXIST)
        {
            throw new StorageException(StorageError.FailedPrecondition, $"nothing is mounted at {target}, but the directory holds files; they are not ours to remove", e);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            // Somebody else removed it meanwhile, which is what was wanted.
        }
    }

    private static SafeFileHandle? TryOpenParent(MountTarget target)
    {
        try
        {
            return Files.OpenResolved(null, target.Parent, OpenFlags.Path | OpenFlags.Directory, ResolveFlags.NoSymlinks | ResolveFlags.NoMagicLinks);
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
        catch (LinuxException e) when (e.Errno is Errno.ELOOP or Errno.ENOTDIR)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"a symbolic link or a file lies on the path to {target}; name the real path, so that nobody can lead the mount elsewhere", e);
        }
    }

    private static void MakeTarget(SafeFileHandle parent, MountTarget target, bool isDevice)
    {
        try
        {
            if (!isDevice)
                Files.TryMakeDirectory(parent, target.Name, 0x1E8);
            else if (Files.TryStatAt(parent, target.Name) is null)
                Files.OpenAt(parent, target.Name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, 0x180).Dispose();
        }
        catch (LinuxException e) when (e.Errno is Errno.EEXIST)
        {
            // Somebody else was quicker; what they made is looked at like anything else.
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.EPERM or Errno.EACCES or Errno.EOPNOTSUPP)
        {
            // A filesystem of the kernel's, such as /proc, or a parent that was removed since.
            throw new StorageException(StorageError.InvalidArgument, $"{target} can't be made: {e.Message}", e);
        }
    }

    private static void CheckTarget(SafeFileHandle place, MountTarget target, bool isDevice)
    {
        var status = Files.Stat(place);
        if (status.IsMountRoot)
            throw new StorageException(StorageError.FailedPrecondition, $"something else is mounted at {target}; unmount it first");
        if (isDevice)
        {
            if (status is not { Kind: FileKind.Regular, Size: 0 })
                throw new StorageException(StorageError.FailedPrecondition, $"{target} is not an empty file, and a device is published at a file of its own");
            return;
        }
        if (status.Kind != FileKind.Directory)
            throw new StorageException(StorageError.FailedPrecondition, $"{target} is not a directory");
        using var directory = Files.Reopen(place, OpenFlags.ReadOnly | OpenFlags.Directory);
        if (Files.List(directory).Count > 0)
            throw new StorageException(StorageError.FailedPrecondition, $"{target} holds files, which a volume would hide; it is published at a directory of its own");
    }

    private static void Remove(SafeFileHandle parent, MountTarget target)
    {
        switch (Files.TryStatAt(parent, target.Name))
        {
            case null:
                break;
            case { Kind: FileKind.Directory }:
                Files.RemoveDirectory(parent, target.Name);
                break;
            case { Kind: FileKind.Regular, Size: 0 }:
                Files.TryUnlink(parent, target.Name);
                break;
            default:
                throw new StorageException(StorageError.FailedPrecondition, $"{target} is not a directory or an empty file that was made for a volume; it stays");
        }
    }

    private static SafeFileHandle OpenTarget(SafeFileHandle parent, MountTarget target)
    {
        try
        {
            return Files.OpenResolved(parent, target.Name, OpenFlags.Path, ResolveFlags.Beneath | ResolveFlags.NoSymlinks);
        }
        catch (LinuxException e) when (e.Errno == Errno.ELOOP)
        {
            throw new StorageException(StorageError.InvalidArgument, $"{target} is a symbolic link; a volume is only published at a directory of its own", e);
        }
    }

    private static bool IsMountRoot(SafeFileHandle parent, string name) => Files.TryStatAt(parent, name) is { IsMountRoot: true };

    private static MountDetails? MountAt(SafeFileHandle parent, string name)
    {
        using var place = Files.OpenResolved(parent, name, OpenFlags.Path | OpenFlags.NoFollow, ResolveFlags.Beneath);
        return MountQuery.At(place);
    }
}
