namespace Lamina.Cluster;

/// <summary>Why an event is made: its reason, for good, as people and programs look for it.</summary>
internal enum NoticeReason
{
    /// <summary>More than 90 % of the volume's size are used.</summary>
    VolumeNearlyFull,

    /// <summary>The volume uses more than its size, which nothing enforces.</summary>
    VolumeOverLimit,

    /// <summary>A snapshot was refused because of how the volume is used now.</summary>
    SnapshotRefused,

    /// <summary>A volume was refused because there is no room on this node.</summary>
    PoolFull,

    /// <summary>Something is wrong with what a pool lies on.</summary>
    PoolDegraded,

    /// <summary>A pool is not served.</summary>
    PoolOffline,

    /// <summary>No PersistentVolume names a volume.</summary>
    VolumeOrphaned,

    /// <summary>The volume of a PersistentVolume is gone.</summary>
    VolumeMissing,
}
