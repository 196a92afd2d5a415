namespace Lamina.Storage.Pools;

/// <summary>The kinds of storage a pool can lie on.</summary>
public enum PoolBackend
{
    /// <summary>Overlay layers on any host filesystem.</summary>
    Overlay2,

    /// <summary>Subvolumes of a Btrfs.</summary>
    Btrfs,

    /// <summary>Datasets of a ZFS.</summary>
    Zfs,

    /// <summary>Directories of the host.</summary>
    Bind,
}
