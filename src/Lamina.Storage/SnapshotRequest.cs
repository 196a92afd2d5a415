using System.Collections.Immutable;

namespace Lamina.Storage;

/// <summary>A snapshot as a front door asks for it.</summary>
public sealed record SnapshotRequest
{
    /// <summary>The name; any text that CSI allows.</summary>
    public required string Name { get; init; }

    /// <summary>The volume to cut.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The door that asks.</summary>
    public required Door Door { get; init; }

    /// <summary>What the orchestrator tells of it.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
