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
            if (left == 0 || !loop.AutoClear || MountTable.Read().Entries.Any(mount => DeviceNodes.IsOf(mount, loop.Path)))
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
        foreach (var loop in stray.Where(loop => !mounts.Any(mount => DeviceNodes.IsOf(mount, loop.Path))))
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
}
