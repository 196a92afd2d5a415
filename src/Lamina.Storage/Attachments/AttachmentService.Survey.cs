using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Attachments;

public sealed partial class AttachmentService
{
    /// <summary>Where all volumes are mounted, by one look into the mount table: nothing that is mounted is asked, so nothing that hangs can keep it.</summary>
    public IReadOnlyDictionary<VolumeId, string> MountPoints() => MountedIn(MountTable.Read()).ToDictionary(volume => volume, _mounts.PathOf);

    /// <summary>Compares all holders with the mount table, which is read once: nothing that is mounted is asked, so nothing that hangs can keep it.</summary>
    public MountSurvey Survey()
    {
        // First the table: a holder comes before its mount and goes after it, so a mount without one is nobody's.
        var table = MountTable.Read();
        var points = table.Entries.Select(entry => entry.MountPoint).ToHashSet(StringComparer.Ordinal);
        var mounted = MountedIn(table);
        var held = _holders.Volumes.ToList();
        var publications = held.SelectMany(HoldersOf).Where(holder => holder.Kind == HolderKind.Publication).ToList();
        return new MountSurvey(
            mounted,
            held.Count,
            held.Count(mounted.Contains),
            publications.Count,
            publications.Count(holder => points.Contains(holder.Reference)),
            [.. mounted.Where(volume => HoldersOf(volume).IsEmpty)]);
    }

    // What protects a bare mount point is no volume's mount.
    private ImmutableHashSet<VolumeId> MountedIn(MountTable table) =>
        [.. table.Entries.Select(entry => _mounts.VolumeAt(entry.MountPoint) is { } volume && !VolumeMounts.IsShield(entry, volume) ? volume : (VolumeId?)null).OfType<VolumeId>()];
}
