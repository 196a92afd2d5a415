namespace Lamina.Cluster;

/// <summary>A volume or PersistentVolume that has lost the other. It is told, and never deleted: which of them is right only a person can know.</summary>
/// <param name="Kind">Which of the two it is.</param>
/// <param name="Name">The volume's id, or the PersistentVolume's name.</param>
/// <param name="Since">When it was first seen alone, by the clock that nobody sets.</param>
internal sealed record Orphan(OrphanKind Kind, string Name, long Since);
