using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>A volume of an overlay pool: its record and its layers.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Volume">The volume.</param>
/// <param name="Head">The layer that is written to; nobody else's.</param>
/// <param name="Chain">The sealed layers below it, topmost first; shared with snapshots and clones.</param>
/// <param name="Project">The project id of the head's quota; null where the filesystem has none.</param>
internal sealed record OverlayVolumeRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Volume Volume,
    [property: JsonRequired] LayerId Head,
    [property: JsonRequired] ImmutableArray<LayerId> Chain,
    uint? Project = null) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Volume.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Volume.Id.Key;

    [JsonIgnore]
    public string? Flaw => Chain.IsDefault ? "it says nothing of its sealed layers" : Chain.Contains(Head) ? $"its head {Head} is among its sealed layers" : null;
}
