using System.Collections.Immutable;
using System.Text.Json;
using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>The markers of the pauses that go on: <c>pauses/&lt;name&gt;.json</c> under the runtime directory.</summary>
/// <remarks>Nothing is flushed: a power cut that could lose a marker ends the stopped processes as well.</remarks>
internal sealed class PauseMarkerStore
{
    private const string Suffix = ".json";
    private readonly string _path;
    private readonly Lazy<(string BootId, ProcessIdentity Owner)> _self = new(ReadSelf);

    private PauseMarkerStore(string path) => _path = path;

    /// <summary>That of a daemon, which makes it where there is none yet.</summary>
    internal static PauseMarkerStore Make(string runtimeDirectory)
    {
        var store = new PauseMarkerStore(Path.Combine(runtimeDirectory, "pauses"));
        Files.MakeDirectories(store._path, 0x1C0);
        return store;
    }

    /// <summary>That of another process, which makes nothing: reading it fails with ENOENT when it is gone.</summary>
    internal static PauseMarkerStore Of(string runtimeDirectory) => new(Path.Combine(runtimeDirectory, "pauses"));

    /// <summary>Writes or replaces a marker of this process.</summary>
    internal void Write(string name, IEnumerable<ProcessIdentity> processes, IEnumerable<string> cgroups, params ImmutableArray<FrozenMount> fileSystems)
    {
        var (bootId, owner) = _self.Value;
        var marker = new PauseMarker(PauseMarker.CurrentFormat, bootId, owner, [.. processes], [.. cgroups], fileSystems);
        using var directory = Files.OpenDirectory(_path);
        var temporary = $".{name}.new";
        Files.TryUnlink(directory, temporary);
        using (var file = Files.OpenAt(directory, temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x180))
            Files.WriteAll(file, 0, JsonSerializer.SerializeToUtf8Bytes(marker, PauseMarkerJson.Default.PauseMarker));
        Files.Rename(directory, temporary, directory, name + Suffix);
    }

    /// <summary>Whether there is a marker of that name.</summary>
    internal bool Has(string name) => Files.TryStat(Path.Combine(_path, name + Suffix)) is not null;

    /// <summary>Removes a marker, if it is there.</summary>
    internal void Remove(string name)
    {
        using var directory = Files.OpenDirectory(_path);
        Files.TryUnlink(directory, name + Suffix);
    }

    /// <summary>All markers by name; null for one that can't be read.</summary>
    internal IEnumerable<(string Name, PauseMarker? Marker)> Read()
    {
        using var directory = Files.OpenDirectory(_path);
        foreach (var entry in Files.List(directory))
        {
            if (!entry.Name.EndsWith(Suffix, StringComparison.Ordinal))
                continue;
            if (Files.TryReadAllAt(directory, entry.Name) is { } content)
                yield return (entry.Name[..^Suffix.Length], Parse(content));
        }
    }

    private static (string BootId, ProcessIdentity Owner) ReadSelf()
    {
        var pid = Environment.ProcessId;
        return (BootId.Read(), new ProcessIdentity(pid, ProcessTable.TryRead(pid)!.StartTime));
    }

    private static PauseMarker? Parse(byte[] content)
    {
        try
        {
            var marker = JsonSerializer.Deserialize(content, PauseMarkerJson.Default.PauseMarker);
            return marker is { Format: PauseMarker.CurrentFormat, Processes.IsDefault: false, Cgroups.IsDefault: false } ? marker : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
