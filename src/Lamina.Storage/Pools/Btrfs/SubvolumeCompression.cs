using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// Changes how a volume's files are compressed from now on. To Btrfs that is a property of each file, which a new one takes from its directory:
/// so every directory and file gets it. What is written already stays as it is until it is rewritten.
/// </summary>
internal static class SubvolumeCompression
{
    /// <summary>Refuses a compression of files that are kept in place, also where that comes from the volume's source.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    internal static void CheckPossible(SafeFileHandle root, Volume volume)
    {
        if (SubvolumeParameters.CompressionOf(volume) is not (null or "none") and var compression && Files.IsNoCopyOnWrite(root))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the files of volume {volume.Id} are kept in place (copyOnWrite = false), which Btrfs does not compress: 'compression' can't be {compression}");
        }
    }

    /// <summary>Gives it to every file and directory; null is the filesystem's own.</summary>
    internal static void Change(SafeFileHandle root, string? compression) => TreeWalk.Run(
        root,
        directory => TrySet(directory, compression),
        (directory, name, status) =>
        {
            if (status.Kind == FileKind.Regular)
                TrySet(directory, name, compression);
        });

    private static void TrySet(SafeFileHandle directory, string name, string? compression)
    {
        try
        {
            // It may be something else by now, such as a FIFO that nobody writes to.
            using var file = Files.OpenAt(directory, name, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock);
            if (Files.Stat(file).Kind == FileKind.Regular)
                TrySet(file, compression);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO)
        {
            // Gone meanwhile.
        }
    }

    private static void TrySet(SafeFileHandle file, string? compression)
    {
        try
        {
            if (Linux.Btrfs.GetCompression(file) != compression)
                Linux.Btrfs.SetCompression(file, compression);
        }
        catch (LinuxException e) when (e.Errno is Errno.EINVAL or Errno.EPERM or Errno.EROFS)
        {
            // A file that is kept in place, is immutable, or lies in a read-only subvolume: it can't be compressed, or won't be written.
        }
    }
}
