using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>A snapshot of a Btrfs pool; its data is the read-only subvolume beside the record.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Family">Who may share blocks with it.</param>
internal sealed record BtrfsSnapshotRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Snapshot Snapshot,
    [property: JsonRequired] FamilyId Family) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Snapshot.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Snapshot.Id.Key;
}
