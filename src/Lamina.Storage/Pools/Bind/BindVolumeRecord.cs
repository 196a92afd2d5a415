using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Bind;

/// <summary>A bind volume: its record alone, as the data is a directory of the host.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Volume">The volume; its parameter <c>source</c> names the directory.</param>
internal sealed record BindVolumeRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Volume Volume) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Volume.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Volume.Id.Key;
}
