using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>What is known of a snapshot: an immutable point in time of a volume. It outlives the volume.</summary>
public sealed record Snapshot
{
    /// <summary>The id that the outside sees.</summary>
    public required SnapshotId Id { get; init; }

    /// <summary>The name as it was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>The volume it was cut from, which may be gone since.</summary>
    public required VolumeId SourceVolume { get; init; }

    /// <summary>Which of the volumes that had that id in turn: see <see cref="Volume.Incarnation"/>. Null where it had none.</summary>
    public Guid? SourceIncarnation { get; init; }

    /// <summary>The front door that made the volume; null in records of before there was <see cref="SourceIncarnation"/>.</summary>
    public Door? SourceDoor { get; init; }

    /// <summary>Directory tree or raw device, as the volume was.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>The filesystem that the volume had for itself; null: it had none.</summary>
    public VolumeFileSystem? FileSystem { get; init; }

    /// <summary>Whether the data is one image, as the volume's was.</summary>
    [JsonIgnore]
    public bool IsImage => Kind == VolumeKind.Block || FileSystem is not null;

    /// <summary>The volume's size at the cut; null when it had no limit. A restore is at least as large.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>The front door that made it.</summary>
    public required Door Door { get; init; }

    /// <summary>What the orchestrator told of it. For people and metrics; never interpreted.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The moment of the cut.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How long the volume's writers stood still for it; null when nobody had to be stopped.</summary>
    public TimeSpan? Pause { get; init; }

    /// <summary>The group that it was cut in, at one write point with the others; null for a single snapshot.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SnapshotGroupMembership? Group { get; init; }

    /// <summary>Whether it was cut from this volume, and not from an earlier one of the same name.</summary>
    public bool IsOf(Volume volume) => SourceVolume == volume.Id
        // The clock may have been set back between the two: only records that have nothing better go by it.
        && (SourceIncarnation is { } source && volume.Incarnation is { } own ? source == own : volume.CreatedAt <= CreatedAt);
}
