using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// The loop devices of images: one over each at most, as two would have caches that know nothing of each other and ruin what is in it.
/// </summary>
internal static class ImageDevice
{
    private const int RawSector = 512;
    private const int Looks = 25;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>The loop device over an image; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: somebody has made a second one.</exception>
    internal static LoopStatus? Find(SafeFileHandle image)
    {
        var status = Files.Stat(image);
        var loops = LoopDevice.ListByBacking(status.Device, status.Inode);
        return loops.Count <= 1
            ? loops.FirstOrDefault()
            : throw new StorageException(StorageError.FailedPrecondition,
                $"{Files.CurrentPath(image)} is at {string.Join(" and ", loops.Select(loop => loop.Path))}, which know nothing of each other and would ruin it; detach all that are not in use: losetup --detach");
    }

    /// <summary>
    /// As the other, but looks again for half a second at a device that is about to go: the kernel lets go of it some moments after the last use,
    /// and whoever lists devices opens them.
    /// </summary>
    internal static LoopStatus? FindLasting(SafeFileHandle image)
    {
        for (var left = Looks; ; left--)
        {
            if (Find(image) is not { } loop)
                return null;
            if (left == 0 || !loop.AutoClear || MountTable.Read().Entries.Any(mount => IsOf(mount, loop)))
                return loop;
            Thread.Sleep(s_pause);
        }
    }

    /// <summary>The device over an image, open: the one that is there, or a new one.</summary>
    /// <param name="image">The image, open for writing.</param>
    /// <param name="name">Its path, for people.</param>
    /// <param name="isRaw">
    /// Whether it is wanted as it is. It has sectors of 512 bytes for ever then, as what is on it may depend on that, and stays without any user;
    /// one that is mounted goes with its mount.
    /// </param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: there is one that somebody else made, otherwise than it has to be.</exception>
    internal static LoopDevice Attach(SafeFileHandle image, string name, bool isRaw)
    {
        if (Open(image, FindWhole) is not { } loop)
            return LoopDevice.Attach(image, name, direct: true, readOnly: false, autoClear: !isRaw, sectorSize: isRaw ? RawSector : 0);
        try
        {
            loop.SetAutoClear(!isRaw);
            // It may be from before the image became larger.
            loop.SetCapacity();
            return loop;
        }
        catch
        {
            loop.Dispose();
            throw;
        }

        LoopStatus? FindWhole(SafeFileHandle file)
        {
            var found = Find(file);
            return found is not { IsWhole: false } ? found : throw new StorageException(StorageError.FailedPrecondition, $"the image {name} is at {found.Path} already, read-only or in part; detach that first: losetup --detach {found.Path}");
        }
    }

    /// <summary>The device over an image, open, so that it can't go any more; null when there is none. Waits half a second for one that is going.</summary>
    /// <param name="image">The image.</param>
    /// <param name="find">Finds it: <see cref="Find"/> or <see cref="FindLasting"/>.</param>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't be opened and does not go.</exception>
    internal static LoopDevice? Open(SafeFileHandle image, Func<SafeFileHandle, LoopStatus?> find)
    {
        for (var left = Looks; find(image) is { } found; left--)
        {
            if (TryOpen(image, found) is { } loop)
                return loop;
            if (left == 0)
                throw new StorageException(StorageError.Unavailable, $"{Files.CurrentPath(image)} is at {found.Path}, which the kernel is letting go of and nobody can open; call again, and see the kernel log (dmesg) if it stays");
            Thread.Sleep(s_pause);
        }
        return null;
    }

    private static LoopDevice? TryOpen(SafeFileHandle image, LoopStatus found)
    {
        LoopDevice loop;
        try
        {
            loop = LoopDevice.Open(found.Number, readOnly: true);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENXIO or Errno.ENOENT)
        {
            // The kernel lets nobody open one that is going.
            return null;
        }
        try
        {
            // It may have gone just before, and have another file by now.
            if (Find(image)?.Number == loop.Number)
                return loop;
        }
        catch
        {
            loop.Dispose();
            throw;
        }
        loop.Dispose();
        return null;
    }

    /// <summary>The root directory of the filesystem on a device, by a mount that nobody sees and that ends with the handle.</summary>
    /// <remarks>Where the filesystem is mounted already, in whatever namespace, this is the same one once more.</remarks>
    internal static SafeFileHandle OpenFileSystem(LoopDevice loop, VolumeFileSystem fileSystem)
    {
        using var mount = CreateMount(loop, fileSystem);
        return Files.OpenDirectoryAt(mount, ".");
    }

    /// <summary>A detached mount of the filesystem on a device.</summary>
    internal static SafeFileHandle CreateMount(LoopDevice loop, VolumeFileSystem fileSystem) => Mounts.CreateFileSystem(
        fileSystem.Name(),
        loop.Path,
        // What the filesystem gives up goes back to the pool. A copy of an XFS has its source's UUID.
        fileSystem switch
        {
            VolumeFileSystem.Ext4 => [new("discard", null)],
            VolumeFileSystem.Xfs => [new("nouuid", null), new("discard", null)],
            _ => [new("discard", "async")],
        },
        MountAttributes.None);

    /// <summary>Grows a mounted filesystem to a size that its device has. One that is large enough stays.</summary>
    /// <param name="root">A directory in it.</param>
    /// <param name="fileSystem">What it is.</param>
    /// <param name="size">The size.</param>
    internal static void Grow(SafeFileHandle root, VolumeFileSystem fileSystem, ByteSize size)
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

    /// <summary>Detaches the devices over files beneath some directories that nothing mounts, as a crash leaves them.</summary>
    /// <param name="device">The device number of the filesystem that the directories are on: in a container the same paths may be others.</param>
    /// <param name="directories">Their paths.</param>
    /// <remarks>Somebody in another mount namespace may have one open; then the kernel waits for them, and it goes with its last user.</remarks>
    internal static void DetachStray(ulong device, IReadOnlyCollection<string> directories)
    {
        var stray = LoopDevice.List().Where(loop => loop.BackingDevice == device && directories.Any(directory => loop.BackingFile.StartsWith(directory + "/", StringComparison.Ordinal))).ToList();
        if (stray.Count == 0)
            return;
        var mounts = MountTable.Read().Entries;
        foreach (var loop in stray.Where(loop => !mounts.Any(mount => IsOf(mount, loop))))
        {
            try
            {
                using var opened = LoopDevice.Open(loop.Number, readOnly: true);
                Detach(opened);
            }
            catch (LinuxException e) when (e.Errno is Errno.ENXIO or Errno.ENOENT)
            {
                // Gone by itself.
            }
        }
    }

    /// <summary>Detaches a device, now or with its last user.</summary>
    internal static void Detach(LoopDevice loop)
    {
        // The kernel keeps this with the number, and the next file there would be read-only too.
        if (BlockDevice.IsReadOnly(loop.Handle))
            BlockDevice.SetReadOnly(loop.Handle, false);
        loop.Detach();
    }

    // By its source, as a Btrfs has another number in the table; or a bind mount of the device's node.
    private static bool IsOf(MountEntry mount, LoopStatus loop) => mount.Source == loop.Path || Path.GetFileName(mount.Root) == Path.GetFileName(loop.Path);
}
