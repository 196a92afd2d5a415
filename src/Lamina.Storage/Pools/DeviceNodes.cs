using Lamina.Linux;
using Lamina.Storage.Pools.Images;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Pools;

/// <summary>
/// The nodes of raw devices at the places where volumes are mounted, of whatever sort the device is: what is done there must be possible while the pool is
/// not served. A node is bind mounted, so that the mount table tells of devices what it tells of other volumes.
/// </summary>
internal static class DeviceNodes
{
    /// <summary>The driver of loop devices.</summary>
    internal const uint LoopMajor = 7;

    /// <summary>Takes a device away from a path, and ends it where it is an image's and still the volume's.</summary>
    /// <returns>False when somebody has the device open; then it stays as it was.</returns>
    internal static bool TryUnmount(string path, ObjectKey volume) =>
        IsLoop(path) ? ImageMounts.TryUnmountDevice(path, volume) : ZvolMounts.TryUnmountDevice(path, volume);

    /// <summary>Lets nobody write to the device at a path, or everybody again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it was taken away behind our back.</exception>
    internal static void SetReadOnly(string path, ObjectKey volume, bool readOnly)
    {
        if (IsLoop(path))
            ImageMounts.SetReadOnly(path, volume, readOnly);
        else
            ZvolMounts.SetReadOnly(path, volume, readOnly);
    }

    /// <summary>Mounts a device's node at a file.</summary>
    internal static void Bind(string device, string path)
    {
        using var node = Files.Open(device, OpenFlags.Path | OpenFlags.NoFollow);
        using var tree = Mounts.CloneTree(node);
        Mounts.Attach(tree, path);
    }

    /// <summary>Whether a mount is of a device: of the filesystem on it, or of its node.</summary>
    /// <remarks>By its source, as a Btrfs has another number in the table.</remarks>
    internal static bool IsOf(MountEntry mount, string device) => mount.Source == device || (IsNode(mount) && mount.Root == $"/{Path.GetFileName(device)}");

    /// <summary>Whether a mount is of a node in a directory of devices, which containers have as an own one too.</summary>
    internal static bool IsNode(MountEntry mount) => mount.FileSystemType is "devtmpfs" or "tmpfs" && mount.Root.LastIndexOf('/') == 0 && mount.Root != "/";

    /// <summary>What is at a path is not the volume that was attached there.</summary>
    internal static StorageException NotTheVolume(string path, ObjectKey volume) => new(
        StorageError.FailedPrecondition, $"the device at {path} is not volume '{volume}' any more, as when somebody has taken it away (losetup -d, zfs rename); unpublish and unstage the volume, then stage it again");

    private static bool IsLoop(string path) => Files.TryStat(path) is { Kind: FileKind.BlockDevice } status && DeviceNumber.Major(status.RepresentedDevice) == LoopMajor;
}
