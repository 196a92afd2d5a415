using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>The filesystem of its own that a volume has on its device: a loop device over an image, or a zvol.</summary>
internal static class DeviceFileSystem
{
    /// <summary>The root directory of the filesystem on a device, by a mount that nobody sees and that ends with the handle.</summary>
    /// <remarks>Where the filesystem is mounted already, in whatever namespace, this is the same one once more.</remarks>
    internal static SafeFileHandle Open(string device, VolumeFileSystem fileSystem)
    {
        using var mount = CreateMount(device, fileSystem);
        return Files.OpenDirectoryAt(mount, ".");
    }

    /// <summary>Mounts the filesystem on a device at a directory, as large as the volume is.</summary>
    internal static void Mount(string device, VolumeFileSystem fileSystem, ByteSize size, string path)
    {
        using var mount = CreateMount(device, fileSystem);

        // ext4 was brought to its size before: mounted, it needs a capability that not every daemon has.
        if (fileSystem != VolumeFileSystem.Ext4)
        {
            using var root = Files.OpenDirectoryAt(mount, ".");
            Grow(root, fileSystem, size);
        }
        Mounts.Attach(mount, path);
    }

    /// <summary>Grows the filesystem of a volume in use to a size that its device has by now.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: this daemon may not.</exception>
    internal static void GrowInUse(Volume volume, string device, ByteSize size)
    {
        if (volume.FileSystem is not { } fileSystem)
            return;
        using var root = Open(device, fileSystem);
        try
        {
            Grow(root, fileSystem, size);
        }
        catch (LinuxException e) when (e.Errno is Errno.EPERM)
        {
            throw CantGrowInUse(volume, e);
        }
    }

    /// <summary>Refuses where <see cref="GrowInUse"/> would, for whoever must know before.</summary>
    internal static void CheckMayGrowInUse(Volume volume)
    {
        if (volume.FileSystem == VolumeFileSystem.Ext4 && !Capabilities.HasSystemResource)
            throw CantGrowInUse(volume);
    }

    /// <summary>Gives the root directory of a filesystem that nobody uses yet the owner and mode that were asked for.</summary>
    internal static void SetRoot(SafeFileHandle root, VolumeParameters parameters)
    {
        if (parameters.Uid is not null || parameters.Gid is not null)
            Files.ChangeOwner(root, parameters.Uid ?? uint.MaxValue, parameters.Gid ?? uint.MaxValue);
        // Also after a change of the owner: chown(2) takes the set-id bits away.
        if (parameters.Mode is { } mode)
            Files.ChangeMode(root, mode);
        Files.FlushFileSystem(root);
    }

    // A detached mount of it.
    private static SafeFileHandle CreateMount(string device, VolumeFileSystem fileSystem) => Mounts.CreateFileSystem(
        fileSystem.Name(),
        device,
        // What the filesystem gives up goes back to the pool. A copy of an XFS has its source's UUID.
        fileSystem switch
        {
            VolumeFileSystem.Ext4 => [new("discard", null)],
            VolumeFileSystem.Xfs => [new("nouuid", null), new("discard", null)],
            _ => [new("discard", "async")],
        },
        MountAttributes.None);

    // One that is large enough stays.
    private static void Grow(SafeFileHandle root, VolumeFileSystem fileSystem, ByteSize size)
    {
        switch (fileSystem)
        {
            case VolumeFileSystem.Xfs:
                FileSystemGrowth.GrowXfs(root, size.Bytes);
                break;
            case VolumeFileSystem.Btrfs:
                FileSystemGrowth.GrowBtrfs(root, size.Bytes);
                break;
            default:
                FileSystemGrowth.GrowExt4(root, size.Bytes);
                break;
        }
    }

    private static StorageException CantGrowInUse(Volume volume, LinuxException? cause = null) => new(
        StorageError.FailedPrecondition,
        $"volume {volume.Id} can't be grown while it is in use: its ext4 asks for CAP_SYS_RESOURCE, which this daemon does not have. Detach the volume and call again, or give the daemon that capability",
        cause);
}
