using Lamina.Linux;

namespace Lamina.Storage.Pools.Images;

/// <summary>Makes images usable at a path: their filesystem mounted at a directory, or the node of their device at a file.</summary>
internal static class ImageMounts
{
    private const uint LoopMajor = 7;
    private const int Tries = 25;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Mounts an image.</summary>
    /// <param name="image">What.</param>
    /// <param name="path">An empty directory for a filesystem, a file for a device.</param>
    /// <remarks>The node is bind mounted, so that the mount table tells of devices what it tells of other volumes.</remarks>
    internal static void Mount(MountDescription.Image image, string path)
    {
        using var directory = Files.OpenDirectory(image.Root);
        using var file = Files.OpenResolved(directory, image.Path, OpenFlags.ReadWrite, ResolveFlags.Beneath | ResolveFlags.NoSymlinks);
        using var loop = ImageDevice.Attach(file, Path.Combine(image.Root, image.Path), isRaw: image.FileSystem is null);
        if (image.FileSystem is { } fileSystem)
        {
            MountFileSystem(loop, fileSystem, image.Size, path);
            return;
        }
        try
        {
            BindNode(loop, path);
        }
        catch
        {
            ImageDevice.Detach(loop);
            throw;
        }
    }

    /// <summary>Takes a device away from a path, and detaches it if it is still the volume's.</summary>
    /// <returns>False when somebody has the device open; then it stays as it was.</returns>
    internal static bool TryUnmountDevice(string path, ObjectKey volume)
    {
        using var loop = TryOpen(path, volume);
        if (!Attachments.Unmounting.TryUnmount(path))
            return false;
        if (loop is null || TryDetach(loop))
            return true;
        BindNode(loop, path);
        return false;
    }

    /// <summary>Lets nobody write to the device at a path, or everybody again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: somebody has detached it behind our back.</exception>
    internal static void SetReadOnly(string path, ObjectKey volume, bool readOnly)
    {
        using var loop = TryOpen(path, volume)
            ?? throw new StorageException(StorageError.FailedPrecondition, $"the device at {path} is not volume '{volume}' any more, as after losetup -d; unpublish and unstage the volume, then stage it again");
        if (BlockDevice.IsReadOnly(loop.Handle) != readOnly)
            BlockDevice.SetReadOnly(loop.Handle, readOnly);
    }

    // Null where there is none, or it is of something else by now: a number that was given up goes to the next file that asks.
    private static LoopDevice? TryOpen(string path, ObjectKey volume)
    {
        if (Files.TryStat(path) is not { IsMountRoot: true, Kind: FileKind.BlockDevice } status || DeviceNumber.Major(status.RepresentedDevice) != LoopMajor)
            return null;
        var loop = LoopDevice.Open((int)DeviceNumber.Minor(status.RepresentedDevice), readOnly: true);
        if (LoopDevice.List().Any(status => status.Number == loop.Number && ImagePool.IsImageOf(volume, status.BackingFile)))
            return loop;
        loop.Dispose();
        return null;
    }

    private static void MountFileSystem(LoopDevice loop, VolumeFileSystem fileSystem, ByteSize size, string path)
    {
        using var mount = ImageDevice.CreateMount(loop, fileSystem);

        // ext4 was brought to its size before: mounted, it needs a capability that not every daemon has.
        if (fileSystem != VolumeFileSystem.Ext4)
        {
            using var root = Files.OpenDirectoryAt(mount, ".");
            ImageDevice.Grow(root, fileSystem, size);
        }
        Mounts.Attach(mount, path);
    }

    private static void BindNode(LoopDevice loop, string path)
    {
        using var node = Files.Open(loop.Path, OpenFlags.Path | OpenFlags.NoFollow);
        using var tree = Mounts.CloneTree(node);
        Mounts.Attach(tree, path);
    }

    // While others have it open, the kernel only notes that it is to go with them: then it is in use, and must stay a volume that is attached.
    private static bool TryDetach(LoopDevice loop)
    {
        for (var left = Tries; ; left--)
        {
            ImageDevice.Detach(loop);
            if (!loop.IsAttached)
                return true;
            try
            {
                loop.SetAutoClear(false);
            }
            catch (LinuxException e) when (e.Errno is Errno.ENXIO)
            {
                return true;
            }
            if (left == 0)
                return false;
            Thread.Sleep(s_pause);
        }
    }
}
