using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Csi;

/// <summary>Makes pools, and tells how a daemon is configured with them.</summary>
internal static class CsiPools
{
    /// <summary>An overlay2 pool in a directory of its own.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">More of its configuration, such as <c>--overcommit=1</c>; <c>--default</c> makes it the default.</param>
    internal static string[] Overlay(string name, params string[] options) => OverlayAt(name, TestScratch.NewDirectory("pool"), options);

    /// <summary>An overlay2 pool in an empty directory.</summary>
    internal static string[] OverlayAt(string name, string directory, params string[] options) => Make(name, PoolBackend.Overlay2, directory, options);

    /// <summary>A Btrfs pool on a disk.</summary>
    internal static string[] Btrfs(string name, LoopDisk disk, params string[] options) => Make(name, PoolBackend.Btrfs, disk.NewDirectory("pool"), options);

    /// <summary>A ZFS pool in a dataset of its own. However slow its ZFS: what is tested is not how long a filesystem is frozen.</summary>
    internal static async Task<string[]> ZfsAsync(string name, string dataset)
    {
        await PoolInitializer.InitializeAsync(new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Zfs, Path = dataset }, null, CancellationToken.None);
        return [$"--pools:{name}:backend=zfs", $"--pools:{name}:dataset={dataset}", $"--pools:{name}:maxPause=00:00:30"];
    }

    /// <summary>The pool of bind volumes, for directories beneath a root.</summary>
    internal static string[] Bind(string root)
    {
        var state = TestScratch.NewDirectory("state");
        PoolInitializer.Initialize(new PoolSettings { Name = PoolName.Bind, Backend = PoolBackend.Bind, Path = Path.Combine(state, "bind") });
        return [$"--stateDirectory={state}", $"--bindRoots:0={root}"];
    }

    private static string[] Make(string name, PoolBackend backend, string directory, string[] options)
    {
        PoolInitializer.Initialize(new PoolSettings { Name = PoolName.Default, Backend = backend, Path = directory });
        return
        [
            $"--pools:{name}:backend={backend.ToString().ToLowerInvariant()}",
            $"--pools:{name}:path={directory}",
            .. options.Select(option => option == "--default" ? $"--pools:{name}:default=true" : option.Replace("--", $"--pools:{name}:", StringComparison.Ordinal)),
        ];
    }
}
