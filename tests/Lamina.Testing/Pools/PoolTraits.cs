namespace Lamina.Testing.Pools;

/// <summary>
/// What a pool is and can do, as far as its tests differ by it. A test class says by <see cref="PoolHasAttribute"/> which of them its pools have.
/// </summary>
[Flags]
public enum PoolTraits
{
    /// <summary>Nothing but plain volumes.</summary>
    None = 0,

    /// <summary>Snapshots, restores and clones.</summary>
    Snapshots = 1,

    /// <summary>Sizes that the kernel enforces.</summary>
    HardLimits = 2,

    /// <summary>The parameters for a volume's root directory.</summary>
    RootOwnership = 4,

    /// <summary>What is in the volumes is the pool's, and not a directory of the host's.</summary>
    OwnData = 8,

    /// <summary>It lies in a directory.</summary>
    Directory = 16,

    /// <summary>What is available in it changes by what the pool does and nothing else.</summary>
    OwnSpace = 32,

    /// <summary>The mutable attribute <c>compression</c>.</summary>
    Compression = 64,

    /// <summary>Of each file it can be seen how it is compressed.</summary>
    CompressionPerFile = 128,

    /// <summary>Volumes in images: raw devices, and filesystems of their own.</summary>
    Images = 256,
}
