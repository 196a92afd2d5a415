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
    internal string Id => (string)JsonNode.Parse(backend == PoolBackend.Zfs ? Zfs("get", "-H", "-o", "value", "lamina:pool", path) : File.ReadAllText($"{path}/pool.json"))!["id"]!;

    /// <summary>What lies in one of its directories.</summary>
    internal IReadOnlySet<string> Names(string directory) => backend == PoolBackend.Zfs ? NamesInZfs(directory) :
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
        else if (backend == PoolBackend.Btrfs)
        {
            using var root = Files.OpenDirectory(path);
            var expected = Names("volumes").Select(name => $"volumes/{name}/data").Concat(Names("snapshots").Select(name => $"snapshots/{name}/data"));
            Assert.Equal(expected.Order(StringComparer.Ordinal), Btrfs.NestedSubvolumes(root).Select(subvolume => BelowPool(subvolume.Path)).Order(StringComparer.Ordinal));
        }
    }

    // What is deleted may wait as long as something lives from it: only what nothing does counts as left in the trash.
    private HashSet<string> NamesInZfs(string directory)
    {
        var all = Zfs("list", "-H", "-r", "-t", "filesystem,snapshot", "-o", "name,origin", path).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => fields[1]);
        return all.Keys
            .Where(name => directory switch
            {
                "snapshots" => name.Contains('@') && !name.Contains("@trash.", StringComparison.Ordinal),
                "trash" when name.Contains('@') => name.Contains("@trash.", StringComparison.Ordinal) && !all.ContainsValue(name),
                "trash" => name.StartsWith($"{path}/trash/", StringComparison.Ordinal) && !all.Keys.Any(other => other.StartsWith(name + "@", StringComparison.Ordinal)),
                _ => !name.Contains('@') && name.StartsWith($"{path}/{directory}/", StringComparison.Ordinal),
            })
            .Select(name => name[(name.LastIndexOfAny(['@', '/']) + 1)..])
            .ToHashSet();
    }

    private static string Zfs(params string[] arguments) => ZfsFileSystem.RunAsync(arguments).GetAwaiter().GetResult();

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
