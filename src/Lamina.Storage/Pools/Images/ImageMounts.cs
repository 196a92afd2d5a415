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

    /// <summary>Takes a device away from a path, and detaches it.</summary>
    /// <returns>False when somebody has the device open; then it stays as it was.</returns>
    internal static bool TryUnmountDevice(string path)
    {
        using var loop = TryOpen(path);
        if (!Attachments.Unmounting.TryUnmount(path))
            return false;
        if (loop is null || TryDetach(loop))
            return true;
        BindNode(loop, path);
        return false;
    }

    /// <summary>Lets nobody write to the device at a path, or everybody again.</summary>
    internal static void SetReadOnly(string path, bool readOnly)
    {
        using var device = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock);
        if (BlockDevice.IsReadOnly(device) != readOnly)
            BlockDevice.SetReadOnly(device, readOnly);
    }

    /// <summary>The loop device whose node is at a path; null where there is none, or it is of something else by now.</summary>
    internal static LoopDevice? TryOpen(string path)
    {
        if (Files.TryStat(path) is not { IsMountRoot: true, Kind: FileKind.BlockDevice } status || DeviceNumber.Major(status.RepresentedDevice) != LoopMajor)
            return null;
        var loop = LoopDevice.Open((int)DeviceNumber.Minor(status.RepresentedDevice), readOnly: true);
        if (loop.IsAttached)
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
