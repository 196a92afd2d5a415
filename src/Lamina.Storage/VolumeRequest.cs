using System.Collections.Immutable;
using Lamina.Storage.Ephemeral;

namespace Lamina.Storage;

/// <summary>A volume as a front door asks for it.</summary>
public sealed record VolumeRequest
{
    /// <summary>The name; any text that CSI allows.</summary>
    public required string Name { get; init; }

    /// <summary>The door that asks.</summary>
    public required Door Door { get; init; }

    /// <summary>The pool; null: the source's, else the default one.</summary>
    public PoolName? Pool { get; init; }

    /// <summary>The sizes that will do.</summary>
    public SizeRange Size { get; init; }

    /// <summary>Directory tree or raw device.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>The filesystem; null: the pool's own.</summary>
    public string? FileSystem { get; init; }

    /// <summary>Whether this host is one of those where the volume may lie.</summary>
    public bool IsWantedHere { get; init; } = true;

    /// <summary>What to begin with; null: empty.</summary>
    public VolumeSource? Source { get; init; }

    /// <summary>What else is asked of it.</summary>
    public VolumeParameters Parameters { get; init; } = VolumeParameters.None;

    /// <summary>What of it can be changed later; goes over the parameters.</summary>
    public VolumeAttributes Attributes { get; init; } = VolumeAttributes.None;

    /// <summary>The pod that it is to live and go with; null: it stays.</summary>
    public EphemeralUse? Ephemeral { get; init; }

    /// <summary>What it is opened with; null: nothing was given.</summary>
    public VolumeKey? Key { get; init; }

    /// <summary>What the orchestrator tells of it.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
