using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>What a backend knows of itself, for those who watch it. What is not known, or is not there, is null.</summary>
public sealed record PoolFigures
{
    /// <summary>How many files there can be; null where they are made as needed.</summary>
    public long? Inodes { get; init; }

    /// <summary>How many more.</summary>
    public long? FreeInodes { get; init; }

    /// <summary>Btrfs: not allocated to anything yet, raw.</summary>
    public ByteSize? Unallocated { get; init; }

    /// <summary>Btrfs: allocated to metadata.</summary>
    public ByteSize? MetadataSize { get; init; }

    /// <summary>Btrfs: used of it.</summary>
    public ByteSize? MetadataUsed { get; init; }

    /// <summary>Btrfs: what has failed on its devices.</summary>
    public ImmutableArray<DeviceErrors> DeviceErrors { get; init; } = [];

    /// <summary>Overlay: its layers.</summary>
    public int? Layers { get; init; }

    /// <summary>Overlay: the layers of the volume that lies on the most of them, its head included.</summary>
    public int? DeepestChain { get; init; }

    /// <summary>Overlay: how often a volume's layers were merged since the daemon began.</summary>
    public long? Merges { get; init; }

    /// <summary>What is deleted and still takes its space, in objects.</summary>
    public int? TrashEntries { get; init; }

    /// <summary>What those objects take, what they share with others included; null where not all of them are known without a walk.</summary>
    public ByteSize? TrashBytes { get; init; }

    /// <summary>What the disk has done that the pool lies on, whoever asked for it; of several disks together.</summary>
    public BlockStatistics? Disk { get; init; }

    /// <summary>When the disk told this and the capacity; null: just now.</summary>
    public DateTimeOffset? AsOf { get; init; }
}
