namespace Lamina.Linux;

/// <summary>A device of a Btrfs filesystem. See btrfs-device(8).</summary>
public sealed record BtrfsDevice
{
    /// <summary>Its number in the filesystem, from 1.</summary>
    public required ulong Id { get; init; }

    /// <summary>Its path; empty when it is missing.</summary>
    public required string Path { get; init; }

    /// <summary>Its size.</summary>
    public required ulong TotalBytes { get; init; }

    /// <summary>What is allocated of it to data or metadata, whether full or not.</summary>
    public required ulong AllocatedBytes { get; init; }

    /// <summary>Writes that failed since the counters were reset; they survive a reboot.</summary>
    public required ulong WriteErrors { get; init; }

    /// <summary>Reads that failed.</summary>
    public required ulong ReadErrors { get; init; }

    /// <summary>Flushes that failed.</summary>
    public required ulong FlushErrors { get; init; }

    /// <summary>Blocks whose checksum was wrong.</summary>
    public required ulong CorruptionErrors { get; init; }

    /// <summary>Blocks that were not written when they should have been.</summary>
    public required ulong GenerationErrors { get; init; }

    /// <summary>Whether anything has gone wrong on it.</summary>
    public bool HasErrors => (WriteErrors | ReadErrors | FlushErrors | CorruptionErrors | GenerationErrors) != 0;
}
