using Lamina.Linux;

namespace Lamina.Storage.Pools.Images;

/// <summary>Makes images usable at a path: their filesystem mounted at a directory, or the node of their device at a file.</summary>
internal static class ImageMounts
{
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
            DeviceFileSystem.Mount(loop.Path, fileSystem, image.Size, path);
            return;
        }
        try
        {
            DeviceNodes.Bind(loop.Path, path);
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
        DeviceNodes.Bind(loop.Path, path);
        return false;
    }

    /// <summary>Lets nobody write to the device at a path, or everybody again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: somebody has detached it behind our back.</exception>
    internal static void SetReadOnly(string path, ObjectKey volume, bool readOnly)
    {
        using var loop = TryOpen(path, volume)
            ?? throw DeviceNodes.NotTheVolume(path, volume);
        if (BlockDevice.IsReadOnly(loop.Handle) != readOnly)
            BlockDevice.SetReadOnly(loop.Handle, readOnly);
    }

    // Null where there is none, or it is of something else by now: a number that was given up goes to the next file that asks.
    private static LoopDevice? TryOpen(string path, ObjectKey volume)
    {
        if (Files.TryStat(path) is not { IsMountRoot: true, Kind: FileKind.BlockDevice } status || DeviceNumber.Major(status.RepresentedDevice) != DeviceNodes.LoopMajor)
            return null;
        var loop = LoopDevice.Open((int)DeviceNumber.Minor(status.RepresentedDevice), readOnly: true);
        if (LoopDevice.List().Any(status => status.Number == loop.Number && ImagePool.IsImageOf(volume, status.BackingFile)))
            return loop;
        loop.Dispose();
        return null;
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
