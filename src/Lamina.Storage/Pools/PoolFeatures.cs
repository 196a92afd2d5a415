namespace Lamina.Storage.Pools;

/// <summary>What a pool can do, checked before a call and never a surprise from within it.</summary>
[Flags]
public enum PoolFeatures
{
    /// <summary>Nothing but plain volumes.</summary>
    None = 0,

    /// <summary>Snapshots, restores and clones.</summary>
    Snapshots = 1,

    /// <summary>A volume's size is enforced by the kernel. Without it the size is advisory, and users are told so.</summary>
    HardLimits = 2,

    /// <summary>A snapshot of a volume in use stops the writers for a moment.</summary>
    PausesWriters = 4,

    /// <summary>The parameter <c>compression</c>.</summary>
    Compression = 8,

    /// <summary>The parameter <c>copyOnWrite</c>.</summary>
    NoCopyOnWrite = 16,

    /// <summary>Serves directories of the host (parameter <c>source</c>) and nothing else.</summary>
    HostDirectories = 32,

    /// <summary>The parameters <c>uid</c>, <c>gid</c> and <c>mode</c>.</summary>
    RootOwnership = 64,

    /// <summary>Raw block volumes, and volumes with a filesystem of their own (<see cref="PoolDescription.FileSystems"/>).</summary>
    BlockVolumes = 128,

    /// <summary>A volume that nobody uses gets the content of a snapshot in its place, in one step.</summary>
    RestoresInPlace = 256,

    /// <summary>The parameters <c>recordsize</c>, <c>atime</c>, <c>logbias</c> and <c>reserve</c>; with <see cref="BlockVolumes"/> also <c>volblocksize</c>.</summary>
    DatasetProperties = 512,

    /// <summary>The filesystem of an attached volume is the volume's own, and tells its size and how full it is.</summary>
    OwnFileSystem = 1024,

    /// <summary>The parameter <c>encryption</c>, with a key that is given with the call.</summary>
    Encryption = 2048,
}
