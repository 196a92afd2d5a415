using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Lamina.Storage.Ephemeral;

namespace Lamina.Storage;

/// <summary>What is known of a volume. Kept in its pool beside its data, and in memory as long as the pool is loaded.</summary>
public sealed record Volume
{
    /// <summary>The id that the outside sees.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>The name as it was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>Directory tree or raw device.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>The filesystem that the volume has for itself; null: the pool's own directories, or a raw device.</summary>
    public VolumeFileSystem? FileSystem { get; init; }

    /// <summary>Whether the data is one image of the volume's size: a raw device, or a filesystem of its own.</summary>
    [JsonIgnore]
    public bool IsImage => Kind == VolumeKind.Block || FileSystem is not null;

    /// <summary>The size promised to the user; null when there is no limit but the pool's own.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>The size at the time of creation, by which a repeated create is compared after an expansion.</summary>
    public ByteSize? CreatedSize { get; init; }

    /// <summary>What the volume was made from; null when it was made empty.</summary>
    public VolumeSource? Source { get; init; }

    /// <summary>What was asked for at creation and never changes.</summary>
    public VolumeParameters Parameters { get; init; } = VolumeParameters.None;

    /// <summary>What can be changed, as it was asked for last; null: nothing ever was.</summary>
    public VolumeAttributes? Attributes { get; init; }

    /// <summary>The attributes that the creation asked for, by which a repeated create is compared after a change; null: none.</summary>
    public VolumeAttributes? CreatedAttributes { get; init; }

    /// <summary>The pod that it lives and goes with; null for a volume that stays until somebody deletes it.</summary>
    public EphemeralUse? Ephemeral { get; init; }

    /// <summary>The front door that made it.</summary>
    public required Door Door { get; init; }

    /// <summary>What the orchestrator told of it, such as the claim's name. For people and metrics; never interpreted.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// Random, and its own: a volume that gets the name and so the id of one that is gone has another. Null in records of versions that had none.
    /// </summary>
    public Guid? Incarnation { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
