namespace Lamina.Cluster;

/// <summary>Who of the two is alone.</summary>
internal enum OrphanKind
{
    /// <summary>A volume that no PersistentVolume names.</summary>
    Volume,

    /// <summary>A PersistentVolume whose volume is gone.</summary>
    PersistentVolume,
}
