using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>Proves that a filesystem can carry the writable layer of an overlay mount, by mounting one.</summary>
internal static class UpperCheck
{
    /// <summary>Tries it in a pool's <c>incoming/</c>.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't, and what would.</exception>
    internal static void Run(PoolDirectory pool)
    {
        using var staging = new StagedObject(pool);
        Try(pool.Path, Files.CurrentPath(staging.Directory));
    }

    /// <summary>Tries it beside a pool that does not exist yet, and leaves nothing behind.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal static void RunBeforeInitialize(string path)
    {
        Files.MakeDirectories(path, 0x1C0);
        using var root = Files.OpenDirectory(path);
        var name = ".lamina-check-" + RandomName.New();
        Files.MakeDirectory(root, name, 0x1C0);
        try
        {
            Try(path, Path.Combine(path, name));
        }
        finally
        {
            TreeRemoval.Remove(root, name, CancellationToken.None);
        }
    }

    private static void Try(string pool, string scratch)
    {
        var kind = Files.StatFs(scratch).Kind;
        try
        {
            // These mount, some even silently degraded, and fail later with the user's data in them.
            if (kind is FileSystemKind.Overlay or FileSystemKind.Nfs or FileSystemKind.Vfat)
                throw new LinuxException($"probe {pool}", Errno.EINVAL, $"{kind} has no extended attributes or whiteouts of its own");
            using var directory = Files.OpenDirectory(scratch);
            foreach (var name in (ReadOnlySpan<string>)["lower", "upper", "work"])
                Files.MakeDirectory(directory, name, 0x1C0);
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
