using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>A mounted volume, as its users are told from others.</summary>
/// <param name="Name">For messages.</param>
/// <param name="MountPoint">Where we have it mounted.</param>
/// <param name="FileDevice">The device number that its files have.</param>
/// <param name="FileSystemDevice">The device number that its mounts have: another one on Btrfs only.</param>
/// <param name="Root">Which directory of the filesystem it is; all of it for an overlay, which is a filesystem of its own.</param>
internal sealed record PausedVolume(string Name, string MountPoint, ulong FileDevice, ulong FileSystemDevice, string Root)
{
    /// <summary>What is mounted at a path.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: nothing is.</exception>
    internal static PausedVolume At(string name, string mountPoint)
    {
        var mount = MountTable.Read().FindTop(mountPoint)
            ?? throw new StorageException(StorageError.FailedPrecondition, $"volume {name} is not mounted at {mountPoint} any more; attach it again");
        return new PausedVolume(name, mountPoint, Files.Stat(mountPoint).Device, mount.Device, mount.Root);
    }

    /// <summary>Whether a mount is one of this volume: ours, a publication of it or of a part of it, or one in a container.</summary>
    internal bool IsMountedBy(MountEntry mount) => mount.Device == FileSystemDevice
        && (Root == "/" || mount.Root == Root || mount.Root.StartsWith(Root + "/", StringComparison.Ordinal));
}
