using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Crashes;

/// <summary>A pool as an outsider sees it who knows how it is laid out.</summary>
/// <param name="backend">Its backend.</param>
/// <param name="path">Where it lies.</param>
internal sealed class PoolOnDisk(PoolBackend backend, string path)
{
    internal PoolBackend Backend => backend;

    internal string Path => path;

    /// <summary>Its id.</summary>
    internal string Id => (string)JsonNode.Parse(File.ReadAllText($"{path}/pool.json"))!["id"]!;

    /// <summary>What lies in one of its directories.</summary>
    internal IReadOnlySet<string> Names(string directory) =>
        Directory.EnumerateFileSystemEntries($"{path}/{directory}").Select(entry => System.IO.Path.GetFileName(entry)).ToHashSet();

    /// <summary>How many sealed layers a volume lies on.</summary>
    internal int LayersOf(string volume) => Chain(Record("volumes", volume)).Count();

    /// <summary>The layers that no record names. None in a pool that has none.</summary>
    internal IReadOnlyList<string> UnnamedLayers() => backend == PoolBackend.Overlay2 ? [.. Names("layers").Except(NamedLayers())] : [];

    /// <summary>Waits until there is nothing in the pool but what its records name, and all of that.</summary>
    internal async Task IsTidyAsync()
    {
        await Eventually.TrueAsync(() => Names("incoming").Count == 0, $"{path}/incoming is empty");
        await Eventually.TrueAsync(() => Names("trash").Count == 0, $"{path}/trash is empty");
        if (backend == PoolBackend.Overlay2)
        {
            // A merge that has not ended yet has layers of its own.
            await Eventually.TrueAsync(() => UnnamedLayers().Count == 0, $"every layer of {path} is named by a record");
            Assert.Empty(NamedLayers().Except(Names("layers")));
        }
        else
        {
            using var root = Files.OpenDirectory(path);
            var expected = Names("volumes").Select(name => $"volumes/{name}/data").Concat(Names("snapshots").Select(name => $"snapshots/{name}/data"));
            Assert.Equal(expected.Order(StringComparer.Ordinal), Btrfs.NestedSubvolumes(root).Select(subvolume => BelowPool(subvolume.Path)).Order(StringComparer.Ordinal));
        }
    }

    private HashSet<string> NamedLayers() =>
    [
        .. Names("volumes").Select(name => Record("volumes", name)).SelectMany(record => Chain(record).Append((string)record["head"]!)),
        .. Names("snapshots").SelectMany(name => Chain(Record("snapshots", name))),
    ];

    private JsonNode Record(string directory, string name) => JsonNode.Parse(File.ReadAllText($"{path}/{directory}/{name}/record.json"))!;

    private static IEnumerable<string> Chain(JsonNode record) => record["chain"]!.AsArray().Select(layer => (string)layer!);

    // The paths begin at the root of the filesystem, in which the pool is a directory.
    private string BelowPool(string subvolume) => subvolume[(subvolume.IndexOf(System.IO.Path.GetFileName(path) + "/", StringComparison.Ordinal) + System.IO.Path.GetFileName(path).Length + 1)..];
}
