using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.BadDays;

/// <summary>A pool that a daemon is configured with, made or not.</summary>
/// <param name="Name">What the configuration calls it.</param>
/// <param name="Backend">Its backend.</param>
/// <param name="Path">Where it lies.</param>
internal sealed record PoolPlace(string Name, PoolBackend Backend, string Path)
{
    /// <summary>What tells a daemon of it.</summary>
    internal string[] Arguments => [$"--pools:{Name}:backend={(Backend == PoolBackend.Btrfs ? "btrfs" : "overlay2")}", $"--pools:{Name}:path={Path}"];

    /// <summary>Makes a pool, on a disk or in the scratch root.</summary>
    internal static PoolPlace Make(string name, PoolBackend backend = PoolBackend.Overlay2, LoopDisk? disk = null)
    {
        var path = disk?.NewDirectory(name) ?? TestScratch.NewDirectory(name);
        PoolInitializer.Initialize(new PoolSettings { Name = Storage.PoolName.Default, Backend = backend, Path = path });
        return new PoolPlace(name, backend, path);
    }

    /// <summary>All that lies in it but the lock, with the sizes and times of the files: what must not change when nothing may be touched.</summary>
    internal string Listing() => Directory.Exists(Path)
        ? string.Join('\n', Directory.EnumerateFileSystemEntries(Path, "*", SearchOption.AllDirectories).Where(path => System.IO.Path.GetFileName(path) != "lock").Order(StringComparer.Ordinal).Select(Describe))
        : "";

    private static string Describe(string path) => File.Exists(path)
        ? FormattableString.Invariant($"{path} {new FileInfo(path).Length} {File.GetLastWriteTimeUtc(path):O}")
        : path;
}
