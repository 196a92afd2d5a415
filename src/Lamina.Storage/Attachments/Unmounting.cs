using Lamina.Linux;

namespace Lamina.Storage.Attachments;

/// <summary>Unmounts, telling apart who uses a mount and who merely looks at it.</summary>
internal static class Unmounting
{
    private const int Tries = 25;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Unmounts, and tries again for half a second while the mount is busy: whoever looks through /proc (as our own search for writers does) and
    /// every child between fork(2) and execve(2) holds mounts for a moment. Never lazily, see umount2(2).
    /// </summary>
    /// <returns>False when it stays busy: it is in use.</returns>
    internal static bool TryUnmount(string path)
    {
        TellOfClosedFiles(path);
        for (var left = Tries; !Mounts.TryUnmount(path); left--)
        {
            if (left == 0)
                return false;
            Thread.Sleep(Pause);
        }
        return true;
    }

    // The kernel tells a filesystem in user space of a closed file behind the scenes, and never when the unmount comes first. zfs-fuse waits for that for
    // ever, and everything else waits for zfs-fuse. Questions stand in one line: when this one is answered, the closed files before it were heard of.
    private static void TellOfClosedFiles(string path)
    {
        try
        {
            // Asked for by itself, a mount has its type without what comes behind the dot.
            if (MountQuery.At(path) is { FileSystemType: "fuse" or "fuse.zfs" } && MountTable.Read().FindTop(path) is { FileSystemType: "fuse.zfs" })
                Files.StatFs(path);
        }
        catch (LinuxException)
        {
            // Its daemon is gone. That is for the unmount to tell, if it matters to it.
        }
    }
}
