using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>A volume of a Btrfs pool; its data is the subvolume beside the record.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Volume">The volume.</param>
/// <param name="Family">Who may share blocks with it.</param>
/// <param name="Group">The number of the level-1 quota group that limits it; null where there were no simple quotas when it was made.</param>
internal sealed record BtrfsVolumeRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Volume Volume,
    [property: JsonRequired] FamilyId Family,
    ulong? Group = null) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Volume.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Volume.Id.Key;
}
