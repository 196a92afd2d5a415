using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>What the parameters of a volume make of its subvolume.</summary>
internal static class SubvolumeParameters
{
    /// <summary>Refuses what contradicts itself.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    internal static void Check(Volume volume)
    {
        if (volume.Parameters.CopyOnWrite == false && CompressionOf(volume) is not (null or "none") and var compression)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"Btrfs does not compress files that it keeps in place: leave out either 'compression' ({compression}) or 'copyOnWrite' (false)");
        }
    }

    /// <summary>The compression that a volume is to have: as it was changed to, else as it was made; null: the filesystem's own.</summary>
    internal static string? CompressionOf(Volume volume) => volume.Attributes?.Compression ?? volume.Parameters.Compression;

    /// <summary>
    /// Refuses what could not take effect on a copy. A file is kept in place or not from its first byte on, so a copy can only be as its source
    /// is. Compression is for what is written from now on, so that can change.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    internal static void CheckAgainstSource(Volume volume, SafeFileHandle source)
    {
        var sourceIsInPlace = Files.IsNoCopyOnWrite(source);
        if (volume.Parameters.CopyOnWrite is { } copyOnWrite && copyOnWrite == sourceIsInPlace)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the files of {volume.Source} were written {(sourceIsInPlace ? "in place" : "by copy on write")} and stay so in every copy, so 'copyOnWrite' can't be "
                + $"{(copyOnWrite ? "true" : "false")}; leave it out, or make an empty volume and copy the files");
        }
        if (sourceIsInPlace && CompressionOf(volume) is not (null or "none"))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the files of {volume.Source} are kept in place (copyOnWrite = false), which Btrfs does not compress; leave 'compression' out");
        }
    }

    /// <summary>Gives them to a subvolume's root; what is not asked for stays as in the source, or is root's and 0755.</summary>
    internal static void Apply(SafeFileHandle root, Volume volume, bool isEmpty)
    {
        var parameters = volume.Parameters;
        var status = Files.Stat(root);
        var uid = parameters.Uid ?? (isEmpty ? 0 : status.Uid);
        var gid = parameters.Gid ?? (isEmpty ? 0 : status.Gid);
        var mode = parameters.Mode ?? (isEmpty ? 0x1ED : status.Mode);
        if ((uid, gid) != (status.Uid, status.Gid))
            Files.ChangeOwner(root, uid, gid);
        // Also after a change of the owner: chown(2) takes the set-id bits away.
        Files.ChangeMode(root, mode);
        if (isEmpty && parameters.CopyOnWrite is { } copyOnWrite)
            Files.TrySetNoCopyOnWrite(root, !copyOnWrite);
        // Files that came with a copy have it as in the source, each of them.
        if (CompressionOf(volume) is { } compression && Linux.Btrfs.GetCompression(root) != compression)
            SubvolumeCompression.Change(root, compression);
    }
}
