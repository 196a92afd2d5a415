using System.Globalization;
using Lamina.Linux;

namespace Lamina.Storage.Attachments;

/// <summary>
/// Looks for volumes in the mount tables of this host's namespaces. A container has them at paths of its own; where they are seen at our own path, a
/// service has merely copied the host's mounts.
/// </summary>
internal static class ContainerMounts
{
    /// <summary>
    /// How many mounts containers have of each of these volumes; null where that can't be told: nothing is mounted at our own path any more, a process
    /// lets us look at neither its namespace nor its mounts, or we see only a part of the host's processes.
    /// </summary>
    /// <param name="volumes">The volumes, with where they are mounted in our own namespace.</param>
    internal static Dictionary<VolumeId, int?> Count(IReadOnlyCollection<MountedVolume> volumes)
    {
        var own = MountTable.Read();
        var wanted = volumes.Select(volume => (Of: volume, Mount: own.FindTop(volume.Path)))
            .Where(one => one.Mount is not null && !VolumeMounts.IsShield(one.Mount, one.Of.Volume)).ToLookup(one => one.Mount!.Device);
        var found = wanted.SelectMany(group => group).ToDictionary(one => one.Of.Volume, _ => new HashSet<string>());
        var tables = found.Count == 0 ? [] : TablesWith(own);
        // What the host has of its own directories is no container's; nor are the copies of it that services have.
        HashSet<string> ofHost = volumes.Any(volume => volume.IsOfHost) ? [.. HostTables(own).SelectMany(Names)] : [];
        foreach (var table in tables ?? [])
        {
            var root = RootOf(table);
            foreach (var entry in table.Entries)
            {
                // Beneath the root of a container that has all of the host mounted, and at the place of the host that a plugin's mounts are handed on to,
                // our own mounts are seen too.
                if (!wanted.Contains(entry.Device) || VolumeMounts.IsPlace(entry.MountPoint))
                    continue;
                var name = NameOf(root, entry);
                foreach (var (of, mount) in wanted[entry.Device].Where(one => IsWithin(entry.Root, one.Mount!.Root) && !(one.Of.IsOfHost && ofHost.Contains(name))))
                    found[of.Volume].Add(name);
            }
        }
        return volumes.ToDictionary(volume => volume.Volume, volume => tables is not null && found.TryGetValue(volume.Volume, out var mounts) ? mounts.Count : (int?)null);
    }

    private static IEnumerable<string> Names(MountTable table)
    {
        var root = RootOf(table);
        return table.Entries.Select(entry => NameOf(root, entry));
    }

    // A service inside a container may have a namespace with copies of all that the container has: it has the same root.
    private static string NameOf(string root, MountEntry entry) => string.Create(CultureInfo.InvariantCulture, $"{root} {entry.Device} {entry.Root} {entry.MountPoint}");

    private static string RootOf(MountTable table) => table.FindTop("/") is { } root ? string.Create(CultureInfo.InvariantCulture, $"{root.Device} {root.Root}") : "";

    // A daemon in a container has mounts of its own.
    private static IEnumerable<MountTable> HostTables(MountTable own) => TryRead(() => MountTable.Read(1), out var host) && host is not null ? [own, host] : [own];

    // Those of all namespaces, our own among them; null when one of them can't be had.
    private static List<MountTable>? TablesWith(MountTable own)
    {
        if (ProcessTable.OwnPidNamespace != ProcessTable.HostPidNamespace)
            return null;
        List<MountTable> tables = [own];
        var known = new HashSet<ulong> { ProcessTable.TryMountNamespace(Environment.ProcessId)!.Value };
        var refused = new HashSet<ulong>();
        foreach (var pid in ProcessTable.List())
        {
            // A table that can't be read does not count its namespace as seen: where a process has just gone, the next one of it tells.
            var isNamed = TryRead(() => ProcessTable.TryMountNamespace(pid), out var number);
            if (isNamed && (number is null || known.Contains(number.Value)))
                continue;
            var isTold = TryRead(() => MountTable.Read(pid), out var table);
            if (table is not null)
                tables.Add(table);
            if (number is null && !isTold)
                return null;
            if (number is not null && (table is not null || !isTold))
                (isTold ? known : refused).Add(number.Value);
        }
        return refused.IsSubsetOf(known) ? tables : null;
    }

    // False where we may not look. Null of one that is gone.
    private static bool TryRead<T>(Func<T?> read, out T? result)
    {
        result = default;
        try
        {
            result = read();
            return true;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.EINVAL)
        {
            return true;
        }
        catch (LinuxException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            return false;
        }
    }

    // As a whole, or a directory of it.
    private static bool IsWithin(string root, string volume) =>
        volume == "/" || root == volume || root.StartsWith(volume + "/", StringComparison.Ordinal);
}
