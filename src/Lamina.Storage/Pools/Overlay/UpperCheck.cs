using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>Proves that a filesystem can carry the writable layer of an overlay mount, by mounting one.</summary>
internal static class UpperCheck
{
    /// <summary>Tries it in a pool's <c>incoming/</c>, and leaves nothing behind: a pool that can't be opened is tried again and again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't, and what would.</exception>
    internal static void Run(PoolDirectory pool)
    {
        try
        {
            RunIn(pool.Incoming, Path.Combine(pool.Path, "incoming"), pool.Path);
        }
        catch (StorageException e) when (e.InnerException is LinuxException { Errno: Errno.ENOSPC or Errno.EDQUOT })
        {
            // There is no room to try it. It could when the pool was made, and what is in the pool must be usable, and be deleted above all.
        }
    }

    /// <summary>Tries it beside a pool that does not exist yet, and leaves nothing behind.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static void RunBeforeInitialize(string path)
    {
        var missing = Missing(path).ToList();
        Files.MakeDirectories(path, 0x1C0);
        try
        {
            using var root = Files.OpenDirectory(path);
            RunIn(root, path, path);
        }
        catch
        {
            // Or the next try would take them for the mount point of a disk that is missing.
            missing.ForEach(Directory.Delete);
            throw;
        }
    }

    // The directory and those above it that are not there yet, the innermost first.
    private static IEnumerable<string> Missing(string path)
    {
        for (var directory = path; directory is not null && Files.TryStat(directory) is null; directory = Path.GetDirectoryName(directory))
            yield return directory;
    }

    private static void RunIn(SafeFileHandle directory, string path, string pool)
    {
        var name = ".lamina-check-" + RandomName.New();
        try
        {
            Try(pool, directory, name, Path.Combine(path, name));
        }
        finally
        {
            if (Files.TryStatAt(directory, name) is not null)
                TreeRemoval.Remove(directory, name, CancellationToken.None);
        }
    }

    private static void Try(string pool, SafeFileHandle parent, string name, string scratch)
    {
        var kind = Files.StatFs(parent).Kind;
        try
        {
            // These mount, some even silently degraded, and fail later with the user's data in them.
            if (kind is FileSystemKind.Overlay or FileSystemKind.Nfs or FileSystemKind.Vfat)
                throw new LinuxException($"probe {pool}", Errno.EINVAL, $"{kind} has no extended attributes or whiteouts of its own");
            Files.MakeDirectory(parent, name, 0x1C0);
            using var directory = Files.OpenDirectoryAt(parent, name);
            foreach (var inner in (ReadOnlySpan<string>)["lower", "upper", "work"])
                Files.MakeDirectory(directory, inner, 0x1C0);
            using (var upper = Files.OpenDirectoryAt(directory, "upper"))
                ExtendedAttributes.Set(upper, LayerTree.Prefix + "lamina", "y"u8);
            Mounts.CreateOverlay(
                new OverlayOptions
                {
                    LowerDirectories = [Path.Combine(scratch, "lower")],
                    UpperDirectory = Path.Combine(scratch, "upper"),
                    WorkDirectory = Path.Combine(scratch, "work"),
                },
                MountAttributes.None).Dispose();
        }
        catch (LinuxException e)
        {
            throw new StorageException(StorageError.Unavailable,
                $"the filesystem at {pool} ({kind.ToString().ToLowerInvariant()}) can't carry overlay volumes: {e.Message}. Use ext4, XFS or Btrfs", e);
        }
    }
}
