namespace Lamina.Storage;

/// <summary>For what sort of volume the room is asked.</summary>
public sealed record CapacityQuery
{
    /// <summary>The pool; null: the default one.</summary>
    public PoolName? Pool { get; init; }

    /// <summary>Directory tree or raw device.</summary>
    public VolumeKind Kind { get; init; }

    /// <summary>The filesystem; null: the pool's own.</summary>
    public string? FileSystem { get; init; }

    /// <summary>What else would be asked of it.</summary>
    public VolumeParameters Parameters { get; init; } = VolumeParameters.None;
}
