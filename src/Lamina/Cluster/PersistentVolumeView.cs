using System.Collections.Frozen;
using System.Collections.Immutable;
using Lamina.Storage;

namespace Lamina.Cluster;

/// <summary>The PersistentVolumes of this node's pools, as a complete list told them and a watch since.</summary>
internal sealed record PersistentVolumeView
{
    // Calls look for a volume. Several PersistentVolumes may name one, of which this has any.
    private ImmutableDictionary<VolumeId, PersistentVolumeEntry> _naming;

    /// <param name="listBegan">When the list was asked for, by the clock that nobody sets.</param>
    /// <param name="pools">The pools that were looked for.</param>
    /// <param name="entries">All that the list has of them.</param>
    internal PersistentVolumeView(long listBegan, FrozenSet<PoolId> pools, IReadOnlyCollection<PersistentVolumeEntry> entries)
    {
        (ListBegan, Pools) = (listBegan, pools);
        Entries = entries.ToImmutableDictionary(entry => entry.Name, StringComparer.Ordinal);
        _naming = entries.DistinctBy(entry => entry.Volume).ToImmutableDictionary(entry => entry.Volume);
    }

    /// <summary>When the list was asked for. What is missing in it was missing then.</summary>
    internal long ListBegan { get; }

    /// <summary>The pools that were looked for, those among them that are forgotten; of others nothing is known.</summary>
    internal FrozenSet<PoolId> Pools { get; }

    /// <summary>By name.</summary>
    internal ImmutableDictionary<string, PersistentVolumeEntry> Entries { get; private init; }

    /// <summary>The PersistentVolume that names a volume, or null.</summary>
    internal PersistentVolumeEntry? Naming(VolumeId volume) => _naming.GetValueOrDefault(volume);

    /// <summary>The same with one that is new, or otherwise than before.</summary>
    internal PersistentVolumeView With(PersistentVolumeEntry entry)
    {
        var others = Without(entry.Name);
        return others with { Entries = others.Entries.Add(entry.Name, entry), _naming = others._naming.SetItem(entry.Volume, entry) };
    }

    /// <summary>The same without one, if it is there.</summary>
    internal PersistentVolumeView Without(string name)
    {
        if (!Entries.TryGetValue(name, out var gone))
            return this;
        var entries = Entries.Remove(name);
        var naming = _naming;
        if (naming.GetValueOrDefault(gone.Volume)?.Name == name)
            naming = entries.Values.FirstOrDefault(entry => entry.Volume == gone.Volume) is { } other ? naming.SetItem(gone.Volume, other) : naming.Remove(gone.Volume);
        return this with { Entries = entries, _naming = naming };
    }
}
