using Lamina.Storage;

namespace Lamina.Cluster;

/// <summary>What is kept of a PersistentVolume: one of our driver, in a pool of this node.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid.</param>
/// <param name="Volume">The volume that it names.</param>
/// <param name="Claim">The claim that it is bound to, or was; null: none.</param>
/// <param name="IsBeingDeleted">Whether somebody has deleted it, and it is only kept until others are done with it.</param>
internal sealed record PersistentVolumeEntry(string Name, string Uid, VolumeId Volume, ClusterObject? Claim, bool IsBeingDeleted);
