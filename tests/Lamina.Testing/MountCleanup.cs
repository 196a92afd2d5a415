using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>Puts the host back as it was: mounts and loop devices under a path.</summary>
public static class MountCleanup
{
    private const int Attempts = 50;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Unmounts everything at or under a path, the last mounted first. What stays busy is an error.</summary>
    public static void UnmountBeneath(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            var mounts = MountTable.Read().Beneath(path).Reverse().ToList();
            if (mounts.Count == 0)
                return;
            mounts.ForEach(TellOfClosedFiles);
            var busy = mounts.Where(mount => !TryUnmount(mount.MountPoint)).Select(mount => mount.MountPoint).ToList();
            if (busy.Count > 0 && attempt == Attempts)
                throw new InvalidOperationException($"Still in use at the end of a test: {string.Join(", ", busy)}");
            if (busy.Count > 0)
                LetGo();
        }
    }

    /// <summary>Waits until no loop device has its file under a path; returns those that still have.</summary>
    public static IReadOnlyList<LoopStatus> WaitForLoopDevices(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            var loops = LoopDevice.List().Where(loop => loop.BackingFile.StartsWith(path + "/", StringComparison.Ordinal)).ToList();
            if (loops.Count == 0 || attempt == Attempts)
                return loops;
            LetGo();
        }
    }

    private static bool TryUnmount(string mountPoint)
    {
        try
        {
            return Mounts.TryUnmount(mountPoint);
        }
        catch (LinuxException e) when (e.Errno is Errno.EINVAL or Errno.ENOENT)
        {
            // Gone with the one before it, by propagation.
            return true;
        }
    }

    // zfs-fuse waits for ever for those that it has not heard of before the unmount, as Lamina.Storage's Unmounting says.
    private static void TellOfClosedFiles(MountEntry mount)
    {
        try
        {
            if (mount.FileSystemType == "fuse.zfs")
                Files.StatFs(mount.MountPoint);
        }
        catch (LinuxException)
        {
            // Its daemon is gone; the mount still has to go.
        }
    }

    private static void LetGo()
    {
        // A failed test leaves its handles to the finalizers. And the kernel detaches a loop device a moment after its last user has gone.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Thread.Sleep(s_pause);
    }
}
