using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>What a volume was made from. Exactly one of the two is set.</summary>
public sealed record VolumeSource
{
    [JsonConstructor]
    internal VolumeSource(SnapshotId? snapshot, VolumeId? volume)
    {
        if (snapshot.HasValue == volume.HasValue)
            throw new StorageException(StorageError.DataLoss, "a source is either a snapshot or a volume");
        Snapshot = snapshot;
        Volume = volume;
    }

    /// <summary>The snapshot that was restored.</summary>
    public SnapshotId? Snapshot { get; }

    /// <summary>The volume that was cloned.</summary>
    public VolumeId? Volume { get; }

    /// <summary>The pool that holds the source, and so the new volume too.</summary>
    [JsonIgnore]
    public PoolId Pool => Snapshot?.Pool ?? Volume!.Value.Pool;

    /// <summary>A restore of a snapshot.</summary>
    public static VolumeSource From(SnapshotId snapshot) => new(snapshot, null);

    /// <summary>A clone of a volume.</summary>
    public static VolumeSource From(VolumeId volume) => new(null, volume);

    /// <summary>Such as <c>snapshot abc.before-upgrade</c>.</summary>
    public override string ToString() => Snapshot is { } snapshot ? $"snapshot {snapshot}" : $"volume {Volume}";
}
