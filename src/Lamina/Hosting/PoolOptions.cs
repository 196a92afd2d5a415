using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>A pool as it is configured.</summary>
internal sealed class PoolOptions
{
    /// <summary><c>overlay2</c>, <c>btrfs</c> or <c>zfs</c>.</summary>
    [Required]
    public string Backend { get; set; } = "";

    /// <summary>The directory that it lies in; empty for a zfs pool.</summary>
    [AbsolutePath]
    public string Path { get; set; } = "";

    /// <summary>ZFS: the dataset that everything of the pool lies beneath, such as <c>tank/lamina</c>.</summary>
    public string Dataset { get; set; } = "";

    /// <summary>A loop image with the pool's own Btrfs, mounted at the path; empty: the path is on a filesystem of the host.</summary>
    [AbsolutePath]
    public string Image { get; set; } = "";

    /// <summary>Whether volumes go here when nobody says where.</summary>
    public bool Default { get; set; }

    /// <summary>The size of a volume when none is asked for, such as <c>10Gi</c>; empty: no limit.</summary>
    public string DefaultSize { get; set; } = "";

    /// <summary>Creates are refused while less than this is available, such as <c>1Gi</c>.</summary>
    public string MinFree { get; set; } = "0";

    /// <summary>How much may be promised, as a multiple of the pool's size; absent: any amount.</summary>
    [AllowedRange(0.01, 1_000_000)]
    public double? Overcommit { get; set; }

    /// <summary>Whether any pod's author may have inline volumes here; absent: only in the default pool.</summary>
    public bool? Ephemeral { get; set; }

    /// <summary>Btrfs: <c>simple</c> switches simple quotas on, for good; <c>none</c> leaves them as they are.</summary>
    [RegularExpression("none|simple", ErrorMessage = "quota must be none or simple")]
    public string Quota { get; set; } = "none";

    /// <summary>Overlay: <c>pause</c> stops the writers of a volume in use for a snapshot; <c>refuse</c> never does.</summary>
    [RegularExpression("pause|refuse", ErrorMessage = "liveSnapshot must be pause or refuse")]
    public string LiveSnapshot { get; set; } = "pause";

    /// <summary>Overlay: how long they may be stopped, from 10 ms to a minute.</summary>
    [AllowedRange(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan MaxPause { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Volumes in images of their own: how much data a snapshot, restore or clone may have to copy where the filesystem shares no blocks between files.
    /// </summary>
    public string MaxCopySize { get; set; } = "100Gi";

    /// <summary>Overlay: how often the usage of attached volumes is measured, from a second to a day.</summary>
    [AllowedRange(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan UsageInterval { get; set; } = TimeSpan.FromMinutes(5);
}
