using System.Collections.Frozen;
using System.Collections.Immutable;
using Lamina.Storage;

namespace Lamina.Cluster;

/// <summary>The PersistentVolumes of this node's pools, as a complete list told them and a watch since.</summary>
/// <param name="ListBegan">When that list was asked for. What is missing in it was missing then.</param>
/// <param name="Pools">The pools that were looked for; of others nothing is known.</param>
/// <param name="Entries">By name.</param>
internal sealed record PersistentVolumeView(DateTimeOffset ListBegan, FrozenSet<PoolId> Pools, ImmutableDictionary<string, PersistentVolumeEntry> Entries)
{
    /// <summary>The PersistentVolume that names a volume, or null.</summary>
    internal PersistentVolumeEntry? Naming(VolumeId volume) => Entries.Values.FirstOrDefault(entry => entry.Volume == volume);
}
