using Lamina.Linux;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Looks for volumes in the mount tables of other namespaces. A container has them at paths of its own; where they are seen at our own path, a
/// service has merely copied the host's mounts.
/// </summary>
internal static class ContainerMounts
{
    /// <summary>In how many namespaces each of these volumes is mounted; those in none are left out.</summary>
    /// <param name="paths">The volumes, with where they are mounted in our own namespace.</param>
    internal static Dictionary<VolumeId, int> Find(IReadOnlyDictionary<VolumeId, string> paths)
    {
        var table = MountTable.Read();
        var wanted = paths.Select(path => (Volume: path.Key, Path: path.Value, Mount: table.FindTop(path.Value)))
            .Where(one => one.Mount is not null).ToLookup(one => one.Mount!.Device);
        var found = new Dictionary<VolumeId, int>();
        if (wanted.Count == 0)
            return found;
        foreach (var other in OtherTables())
        {
            var here = other.Entries.SelectMany(entry => wanted[entry.Device].Where(one => IsWithin(entry.Root, one.Mount!.Root) && !IsCopyOf(entry.MountPoint, one.Path)));
            foreach (var volume in here.Select(one => one.Volume).Distinct())
                found[volume] = found.GetValueOrDefault(volume) + 1;
        }
        return found;
    }

    private static IEnumerable<MountTable> OtherTables()
    {
        var known = new HashSet<ulong> { ProcessTable.TryMountNamespace(Environment.ProcessId)!.Value };
        foreach (var pid in ProcessTable.List())
        {
            // A table that can't be read does not count its namespace as seen: where a process has just gone, the next one of it tells.
            if (TryRead(() => ProcessTable.TryMountNamespace(pid)) is { } number && !known.Contains(number) && TryRead(() => MountTable.Read(pid)) is { } table)
            {
                known.Add(number);
                yield return table;
            }
        }
    }

    // One that is gone, or that a sandbox lets nobody look into, which is none of an engine's.
    private static T? TryRead<T>(Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL or Errno.EACCES or Errno.EPERM)
        {
            return default;
        }
    }

    // As a whole, or a directory of it.
    private static bool IsWithin(string root, string volume) =>
        volume == "/" || root == volume || root.StartsWith(volume + "/", StringComparison.Ordinal);

    // Also beneath the root of a container that has all of the host mounted.
    private static bool IsCopyOf(string mountPoint, string path) => mountPoint.EndsWith(path, StringComparison.Ordinal);
}
