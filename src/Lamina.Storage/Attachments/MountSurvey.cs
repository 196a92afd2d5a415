using System.Collections.Immutable;

namespace Lamina.Storage.Attachments;

/// <summary>What is mounted at one moment, by the kernel's table, beside what holders say should be.</summary>
/// <param name="Mounted">The volumes that are mounted, or whose device is there.</param>
/// <param name="VolumesHeld">How many volumes have a holder.</param>
/// <param name="VolumesPresent">How many of those are mounted.</param>
/// <param name="PublicationsHeld">How many paths a volume was published at.</param>
/// <param name="PublicationsPresent">How many of those have a mount.</param>
/// <param name="Devices">The block device of each mounted volume that has one for itself, by the kernel's name of it, such as <c>loop3</c>.</param>
/// <param name="Orphans">The volumes that are mounted though nobody holds them.</param>
public sealed record MountSurvey(
    ImmutableHashSet<VolumeId> Mounted, int VolumesHeld, int VolumesPresent, int PublicationsHeld, int PublicationsPresent, ImmutableDictionary<VolumeId, string> Devices, ImmutableArray<VolumeId> Orphans);
