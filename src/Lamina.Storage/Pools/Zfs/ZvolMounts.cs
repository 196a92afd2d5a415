using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>Makes zvols usable at a path: their filesystem mounted at a directory, or the node of their device at a file.</summary>
internal static class ZvolMounts
{
    /// <summary>Mounts a zvol that has its device.</summary>
    /// <param name="zvol">What.</param>
    /// <param name="path">An empty directory for a filesystem, a file for a device.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: somebody took the device away just now.</exception>
    internal static void Mount(MountDescription.Zvol zvol, string path)
    {
        // Open as long as it takes, so that the number is no other volume's.
        using var device = ZvolDevice.TryFind(zvol.Name)
            ?? throw new StorageException(StorageError.FailedPrecondition, $"{zvol.Name} has no device any more; call again");
        if (zvol.FileSystem is { } fileSystem)
            Images.DeviceFileSystem.Mount(device.Path, fileSystem, zvol.Size, path);
        else
            DeviceNodes.Bind(device.Path, path);
    }

    /// <summary>Takes a device away from a path.</summary>
    /// <returns>False when somebody has it open; then it stays as it was.</returns>
    internal static bool TryUnmountDevice(string path, ObjectKey volume)
    {
        ulong? number = null;
        using (var device = ZvolDevice.TryOpenAt(path, volume))
        {
            if (device is not null)
            {
                // Only the last close flushes what went through the device's own cache.
                Files.FlushData(device.Handle);
                number = Files.Stat(device.Handle).RepresentedDevice;
            }
        }
        return (number is not { } known || DeviceUsers.FindLasting(known) is null) && Attachments.Unmounting.TryUnmount(path);
    }

    /// <summary>Lets nobody write to the device at a path, or everybody again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it is not the volume's any more.</exception>
    internal static void SetReadOnly(string path, ObjectKey volume, bool readOnly)
    {
        using var device = ZvolDevice.TryOpenAt(path, volume) ?? throw DeviceNodes.NotTheVolume(path, volume);
        if (BlockDevice.IsReadOnly(device.Handle) != readOnly)
            BlockDevice.SetReadOnly(device.Handle, readOnly);
    }
}
