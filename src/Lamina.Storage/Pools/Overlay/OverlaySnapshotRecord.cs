using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>A snapshot of an overlay pool: its record and its layers.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Chain">The sealed layers that it consists of, topmost first; at least one.</param>
internal sealed record OverlaySnapshotRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Snapshot Snapshot,
    [property: JsonRequired] ImmutableArray<LayerId> Chain) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Snapshot.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Snapshot.Id.Key;

    [JsonIgnore]
    public string? Flaw => Chain.IsDefaultOrEmpty ? "it names no layer" : null;
}
