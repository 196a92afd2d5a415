using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Attachments;

public sealed partial class AttachmentService
{
    /// <summary>Where all volumes are mounted, by one look into the mount table: nothing that is mounted is asked, so nothing that hangs can keep it.</summary>
    public IReadOnlyDictionary<VolumeId, string> MountPoints() => MountsIn(MountTable.Read()).Keys.ToDictionary(volume => volume, _mounts.PathOf);

    /// <summary>Compares all holders with the mount table, which is read once: nothing that is mounted is asked, so nothing that hangs can keep it.</summary>
    public MountSurvey Survey()
    {
        // First the table: a holder comes before its mount and goes after it, so a mount without one is nobody's.
        var table = MountTable.Read();
        var points = table.Entries.Select(entry => entry.MountPoint).ToHashSet(StringComparer.Ordinal);
        var mounts = MountsIn(table);
        var mounted = mounts.Keys.ToImmutableHashSet();
        var held = _holders.Volumes.ToList();
        var publications = held.SelectMany(HoldersOf).Where(holder => holder.Kind == HolderKind.Publication).ToList();
        return new MountSurvey(
            mounted,
            held.Count,
            held.Count(mounted.Contains),
            publications.Count,
            publications.Count(holder => points.Contains(holder.Reference)),
            DevicesOf(mounts),
            [.. mounted.Where(volume => HoldersOf(volume).IsEmpty)]);
    }

    // What protects a bare mount point is no volume's mount.
    private Dictionary<VolumeId, MountEntry> MountsIn(MountTable table)
    {
        var mounts = new Dictionary<VolumeId, MountEntry>();
        foreach (var entry in table.Entries)
        {
            if (_mounts.VolumeAt(entry.MountPoint) is { } volume && !VolumeMounts.IsShield(entry, volume))
                mounts[volume] = entry;
        }
        return mounts;
    }

    // A raw device is the bind mount of its node; a filesystem of a volume's own is mounted from one. All other volumes share the pool's.
    private ImmutableDictionary<VolumeId, string> DevicesOf(Dictionary<VolumeId, MountEntry> mounts)
    {
        var devices = ImmutableDictionary.CreateBuilder<VolumeId, string>();
        foreach (var (id, mount) in mounts)
        {
            if (_catalog.Find(id) is { IsImage: true } volume)
                devices[id] = Path.GetFileName(volume.Kind == VolumeKind.Block ? mount.Root : mount.Source);
        }
        return devices.ToImmutable();
    }
}
