using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>Who has a dataset mounted, in the mount tables of all processes (<see cref="HostMounts"/>).</summary>
internal static class ZfsMounts
{
    /// <summary>Every mount of a dataset of ZFS, with a process that sees it.</summary>
    internal static IEnumerable<(MountEntry Mount, int Process)> List() => HostMounts.List().Where(one => one.Mount.FileSystemType is "zfs" or "fuse.zfs");

    /// <summary>Where it is mounted, in words: <c>at /data, as process 12 sees it</c>. Null when nobody has it mounted that we can see.</summary>
    internal static string? Find(string dataset) => Find(source => source == dataset);

    /// <summary>As the other, of the first dataset that is meant.</summary>
    internal static string? Find(Predicate<string> isMeant) => List()
        .Where(one => isMeant(one.Mount.Source))
        .Select(HostMounts.Describe)
        .FirstOrDefault();
}
