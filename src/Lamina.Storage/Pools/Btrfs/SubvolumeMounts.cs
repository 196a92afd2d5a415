using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// Who has a subvolume mounted, in the mount tables of all processes (<see cref="HostMounts"/>). The kernel destroys a mounted subvolume without a word,
/// so it is asked before.
/// </summary>
internal sealed class SubvolumeMounts
{
    // Each subvolume has a device number of its own for stat(2), but in mount tables stands the filesystem's.
    private readonly ulong _device;

    internal SubvolumeMounts(PoolDirectory pool) => _device = MountTable.Of(pool.Root)?.Device
        ?? throw new StorageException(StorageError.Unavailable, $"the filesystem at {pool.Path} is not mounted any more");

    /// <summary>A mount of one of the subvolumes or of a directory in one, in words; null when there is none.</summary>
    internal string? Find(IReadOnlySet<ulong> subvolumes) => List().Where(mount => subvolumes.Contains(mount.Subvolume)).Select(mount => mount.Where).FirstOrDefault();

    /// <summary>Every mount of a subvolume, with where it is, in words.</summary>
    internal IEnumerable<(ulong Subvolume, string Where)> List()
    {
        foreach (var one in HostMounts.List().Where(one => one.Mount.Device == _device))
        {
            if (SubvolumeOf(one.Mount) is { } subvolume)
                yield return (subvolume, HostMounts.Describe(one));
        }
    }

    // By number, not by path: a path changes when the volume goes to the trash, and is unknown where our mount is not visible.
    private static ulong? SubvolumeOf(MountEntry entry)
    {
        const string key = "subvolid=";
        var option = entry.SuperOptions.Split(',').FirstOrDefault(option => option.StartsWith(key, StringComparison.Ordinal));
        return option is not null && ulong.TryParse(option.AsSpan(key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }
}
