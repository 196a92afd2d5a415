namespace Lamina.Linux;

/// <summary>The space of a Btrfs filesystem, in bytes of content: a mirrored block counts once. See btrfs-filesystem(8), usage.</summary>
public sealed record BtrfsSpace
{
    /// <summary>Allocated to data.</summary>
    public required ulong DataTotal { get; init; }

    /// <summary>Of that, used.</summary>
    public required ulong DataUsed { get; init; }

    /// <summary>Allocated to metadata.</summary>
    public required ulong MetadataTotal { get; init; }

    /// <summary>Of that, used; with none free, writes fail with ENOSPC whatever is free for data.</summary>
    public required ulong MetadataUsed { get; init; }

    /// <summary>Allocated to the map of the rest.</summary>
    public required ulong SystemTotal { get; init; }

    /// <summary>Of that, used.</summary>
    public required ulong SystemUsed { get; init; }

    /// <summary>Kept back within metadata for emergencies.</summary>
    public required ulong GlobalReserve { get; init; }

    /// <summary>Not allocated to anything yet, raw: a mirrored block will take twice its size of it.</summary>
    public required ulong Unallocated { get; init; }
}
