namespace Lamina.Storage.Pools;

/// <summary>What a new volume begins with: nothing, a snapshot's content, or another volume's as it is now.</summary>
public abstract record VolumeContent
{
    private VolumeContent()
    {
    }

    /// <summary>What the new volume is opened with; null where it is not encrypted by a key of its own.</summary>
    public VolumeKey? Key { get; init; }

    /// <summary>An empty tree.</summary>
    public sealed record Empty : VolumeContent;

    /// <summary>A snapshot of the same pool.</summary>
    /// <param name="Snapshot">The snapshot.</param>
    public sealed record OfSnapshot(Snapshot Snapshot) : VolumeContent;

    /// <summary>A volume of the same pool, as it is at this moment.</summary>
    /// <param name="Volume">The volume, with its use.</param>
    public sealed record OfVolume(VolumeInUse Volume) : VolumeContent;
}
