using Lamina.Linux;
using Lamina.Storage.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Attachments;

/// <summary>Performs what backends describe: one mount per attached volume, at <c>mounts/&lt;volume id&gt;</c> under the runtime directory.</summary>
internal sealed class VolumeMounts
{
    private const string Place = "mounts";
    private const int BareMode = 0;
    private readonly string _root;

    internal VolumeMounts(string runtimeDirectory)
    {
        _root = Path.Combine(runtimeDirectory, Place);
        // Users of a volume pass through on their way to it; what they may do there is up to the volume's own root directory.
        Files.MakeDirectories(_root, 0x1C9);
    }

    /// <summary>Where a volume is or would be mounted.</summary>
    internal string PathOf(VolumeId volume) => Path.Combine(_root, volume.ToString());

    /// <summary>The volume whose place that path is, or null.</summary>
    internal VolumeId? VolumeAt(string path) =>
        Path.GetDirectoryName(path) == _root && VolumeId.TryParse(Path.GetFileName(path), out var volume) ? volume : null;

    /// <summary>Whether that is the place of a volume, wherever the runtime directory is seen.</summary>
    internal static bool IsPlace(string path) =>
        Path.GetFileName(Path.GetDirectoryName(path)) == Place && VolumeId.TryParse(Path.GetFileName(path), out _);

    /// <summary>How that path ends, wherever the runtime directory is seen.</summary>
    internal static string PlaceOf(VolumeId volume) => $"/{Place}/{volume}";

    /// <summary>
    /// Whether a mount at a volume's place is not the volume but the mount point itself, read-only: the protection of a bare mount point on filesystems without
    /// the flag for it.
    /// </summary>
    internal static bool IsShield(MountEntry mount, VolumeId volume) => mount.IsReadOnly && mount.Root.EndsWith(PlaceOf(volume), StringComparison.Ordinal);

    /// <summary>Whether the volume is mounted there, by the kernel's word.</summary>
    internal bool IsMounted(VolumeId volume)
    {
        try
        {
            // Not the mount's details, for which older kernels have the whole table read.
            using var root = Files.OpenDirectory(_root);
            return Files.TryStatAt(root, volume.ToString()) is { IsMountRoot: true } place
                // A shield has the mount point's own mode, which hardly a volume has: only then the table is read.
                && (place.Mode != BareMode || (MountTable.Read().FindTop(PathOf(volume)) is { } top && !IsShield(top, volume)));
        }
        catch (LinuxException)
        {
            // What is mounted there does not answer, as a directory of the host on a server that is gone. The table has it all the same.
            return MountTable.Read().FindTop(PathOf(volume)) is { } top && !IsShield(top, volume);
        }
    }

    /// <summary>The volumes that have a mount point, mounted or not.</summary>
    internal IReadOnlyList<VolumeId> List() =>
        [.. Directory.EnumerateFileSystemEntries(_root).Select(path => VolumeId.TryParse(Path.GetFileName(path), out var id) ? id : (VolumeId?)null).OfType<VolumeId>()];

    /// <summary>Refuses where the host would not see a volume that is mounted there.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal void CheckSeen()
    {
        using var root = Files.OpenDirectory(_root);
        HostView.Check(root, _root);
    }

    /// <summary>Mounts a volume, which must not be mounted.</summary>
    internal void Mount(VolumeId volume, MountDescription description)
    {
        MakeMountPoint(volume, description.IsDevice);
        description.MountAt(PathOf(volume));
    }

    /// <summary>Lets nobody write to the device of an attached raw volume, or everybody again: a mount's being read-only does not hold for devices.</summary>
    internal void SetReadOnly(VolumeId volume, bool readOnly) => DeviceNodes.SetReadOnly(PathOf(volume), volume.Key, readOnly);

    /// <summary>Unmounts a volume if it is mounted, and removes the mount point.</summary>
    /// <returns>False when something still uses the mount.</returns>
    internal bool TryUnmount(VolumeId volume)
    {
        var path = PathOf(volume);
        if (IsMounted(volume) && !(IsDevice(path) ? DeviceNodes.TryUnmount(path, volume.Key) : Unmounting.TryUnmount(path)))
            return false;
        using var root = Files.OpenDirectory(_root);
        return Files.TryStatAt(root, volume.ToString()) is not { } place || TryRemove(root, volume, place);
    }

    private static bool IsDevice(string path)
    {
        try
        {
            return Files.Stat(path).Kind == FileKind.BlockDevice;
        }
        catch (LinuxException)
        {
            // A directory on a server that is gone; the node of a device always answers.
            return false;
        }
    }

    // What is still mounted there is the shield.
    private bool TryRemove(SafeFileHandle root, VolumeId volume, FileStatus place)
    {
        if (place.Kind != FileKind.Directory)
        {
            Files.Unlink(root, volume.ToString());
            return true;
        }
        if (place.IsMountRoot && !Unmounting.TryUnmount(PathOf(volume)))
            return false;
        using (var mountPoint = Files.OpenDirectoryAt(root, volume.ToString()))
            Files.TrySetImmutable(mountPoint, false);
        Files.RemoveDirectory(root, volume.ToString());
        return true;
    }

    // Whoever unmounts a volume behind our back must not have its users write to the host's memory in its place. Where the filesystem has no flag for that
    // (tmpfs before 6.6) the mount point is mounted on itself, read-only, beneath the volume.
    private void Protect(SafeFileHandle root, VolumeId volume)
    {
        using var mountPoint = Files.OpenDirectoryAt(root, volume.ToString());
        if (Files.TrySetImmutable(mountPoint, true))
            return;
        using var shield = Mounts.CloneTree(mountPoint);
        Mounts.SetAttributes(shield, MountAttributes.ReadOnly, MountAttributes.None);
        Mounts.Attach(shield, PathOf(volume));
    }

    // What an earlier mount of another sort left there is empty, and in the way.
    private void MakeMountPoint(VolumeId volume, bool isFile)
    {
        using var root = Files.OpenDirectory(_root);
        var name = volume.ToString();
        var left = Files.TryStatAt(root, name);
        if (left is { } other && (other.Kind != FileKind.Directory) != isFile)
        {
            if (!TryRemove(root, volume, other))
                throw new LinuxException($"unmount {PathOf(volume)}", Errno.EBUSY);
            left = null;
        }
        if (isFile)
        {
            Files.OpenAt(root, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.NoFollow, 0x180).Dispose();
            return;
        }
        Files.TryMakeDirectory(root, name, BareMode);
        // The volume is not mounted, so what is would be the shield of an earlier time.
        if (left is not { IsMountRoot: true })
            Protect(root, volume);
    }
}
