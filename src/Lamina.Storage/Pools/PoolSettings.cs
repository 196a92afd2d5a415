using Lamina.Storage.Pools.Cuts;

namespace Lamina.Storage.Pools;

/// <summary>How a pool of this host is configured.</summary>
public sealed record PoolSettings
{
    /// <summary>The pool's name.</summary>
    public required PoolName Name { get; init; }

    /// <summary>The backend.</summary>
    public required PoolBackend Backend { get; init; }

    /// <summary>The directory that the pool lies in, or for an image pool the directory that the image is mounted at; for a zfs pool the root dataset.</summary>
    public required string Path { get; init; }

    /// <summary>The loop image that holds the pool's own Btrfs; null where <see cref="Path"/> is on a filesystem of the host.</summary>
    public string? Image { get; init; }

    /// <summary>Whether volumes go here when nobody says where.</summary>
    public bool IsDefault { get; init; }

    /// <summary>The size of a volume when none is asked for; null: no limit.</summary>
    public ByteSize? DefaultSize { get; init; }

    /// <summary>Creates are refused while less than this is available in the pool.</summary>
    public ByteSize MinFree { get; init; }

    /// <summary>How much may be promised, as a multiple of the pool's size; null: any amount.</summary>
    public double? Overcommit { get; init; }

    /// <summary>Whether pods may have inline volumes here; null: only where the pool is the default one.</summary>
    public bool? Ephemeral { get; init; }

    /// <summary>Btrfs: switch simple quotas on. Irreversible: kernels before 6.7 can't mount the filesystem afterwards.</summary>
    public bool SimpleQuota { get; init; }

    /// <summary>Whether the writers of a volume in use may be stopped for a snapshot, where one needs it: of an overlay, or of a group.</summary>
    public bool PauseWriters { get; init; } = true;

    /// <summary>How long they may be stopped; a cut that takes longer is given up and the writers released.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Why no zfs pool can lie in a dataset of that name; null when one can.</summary>
    public static string? FlawOfDataset(string dataset)
    {
        try
        {
            Zfs.ZfsLayout.Of(dataset);
            return null;
        }
        catch (StorageException e)
        {
            return e.Message;
        }
    }

    /// <summary>Both together.</summary>
    internal PauseLimits PauseLimits => new(PauseWriters, MaxPause);

    /// <summary>Image volumes: how much data a snapshot, restore or clone may have to copy, where the filesystem shares no blocks between files.</summary>
    public ByteSize MaxCopySize { get; init; } = ByteSize.FromGibibytes(100);

    /// <summary>Overlay: how often the usage of attached volumes is measured by walking their trees.</summary>
    public TimeSpan UsageInterval { get; init; } = TimeSpan.FromMinutes(5);
}
