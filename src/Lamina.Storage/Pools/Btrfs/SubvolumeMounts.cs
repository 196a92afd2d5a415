using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// Who has a subvolume mounted, in the mount tables of all processes. The kernel destroys a mounted subvolume without a word, so it is asked
/// before. Not seen are mounts that were unmounted lazily, and namespaces that no process of our PID namespace lives in.
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
        var namespaces = new HashSet<ulong>();
        foreach (var pid in ProcessTable.List())
        {
            var number = TryNamespace(pid);
            if ((number is { } known && namespaces.Contains(known)) || TryRead(pid) is not { } table)
                continue;
            if (number is { } read)
                namespaces.Add(read);
            foreach (var mount in table.Entries.Where(entry => entry.Device == _device))
            {
                if (SubvolumeOf(mount) is { } subvolume)
                    yield return (subvolume, $"at {mount.MountPoint}, as process {pid} sees it");
            }
        }
    }

    // By number, not by path: a path changes when the volume goes to the trash, and is unknown where our mount is not visible.
    private static ulong? SubvolumeOf(MountEntry entry)
    {
        const string key = "subvolid=";
        var option = entry.SuperOptions.Split(',').FirstOrDefault(option => option.StartsWith(key, StringComparison.Ordinal));
        return option is not null && ulong.TryParse(option.AsSpan(key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    // Null where we may not look: the table of such a process can be read all the same, as a rule.
    private static ulong? TryNamespace(int pid)
    {
        try
        {
            return ProcessTable.TryMountNamespace(pid);
        }
        catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            return null;
        }
    }

    private static MountTable? TryRead(int pid)
    {
        try
        {
            return MountTable.Read(pid);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL or Errno.EACCES or Errno.EPERM)
        {
            // It has just ended, or we may not look. Another process of its namespace is asked instead, if there is one.
            return null;
        }
    }
}
