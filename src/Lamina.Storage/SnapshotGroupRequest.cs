using System.Collections.Immutable;

namespace Lamina.Storage;

/// <summary>A group of snapshots as a front door asks for it.</summary>
public sealed record SnapshotGroupRequest
{
    /// <summary>The group's name; any text that CSI allows.</summary>
    public required string Name { get; init; }

    /// <summary>The volumes to cut; at least one, none twice, in whatever pools of this host.</summary>
    public required ImmutableArray<VolumeId> Volumes { get; init; }

    /// <summary>The door that asks.</summary>
    public required Door Door { get; init; }

    /// <summary>What the orchestrator tells of it; each member keeps it.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
