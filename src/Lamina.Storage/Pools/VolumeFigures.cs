namespace Lamina.Storage.Pools;

/// <summary>What a backend knows of a volume besides its usage, for those who watch it. What is not known, or is not there, is null.</summary>
public readonly record struct VolumeFigures
{
    /// <summary>What the kernel lets it still write before its own limit.</summary>
    public ByteSize? Headroom { get; init; }

    /// <summary>
    /// What the backend itself counts for the volume: what ZFS calls referenced; what Btrfs' simple quotas have charged, which is also what only snapshots
    /// still hold of it; an overlay's layers together.
    /// </summary>
    public ByteSize? Referenced { get; init; }

    /// <summary>What nobody else holds: so much would be free without the volume, were its snapshots kept.</summary>
    public ByteSize? Exclusive { get; init; }

    /// <summary>Overlay: on how many layers it lies, its head included.</summary>
    public int? Layers { get; init; }
}
