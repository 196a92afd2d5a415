using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    public PoolFigures GetFigures() => _edge.Run("look at the pool", () =>
    {
        var space = Linux.Btrfs.GetSpace(_directory.Root);
        var devices = Linux.Btrfs.GetInfo(_directory.Root).Devices;
        return _directory.GetFigures(WeighTrash) with
        {
            Unallocated = new ByteSize((long)space.Unallocated),
            MetadataSize = new ByteSize((long)space.MetadataTotal),
            MetadataUsed = new ByteSize((long)space.MetadataUsed),
            DeviceErrors = [.. devices.Select(ErrorsOf)],
            Disk = StatisticsOf(devices),
        };
    });

    /// <inheritdoc/>
    /// <remarks>
    /// What simple quotas charge is what the volume's files take only while it shares blocks with nobody. With a snapshot or a clone it may be
    /// more, as it includes what only the snapshot holds, and in a copy it is less, as it leaves out what the source wrote: then nothing is known.
    /// </remarks>
    public VolumeUsage? GetUsage(Volume volume) =>
        _volumes.Find(volume.Id.Key) is { Volume.Source: null } record && _families.IsAlone(record.Family) && _quotas.ChargeOf(record.Group) is { } charge
            ? new VolumeUsage(charge, null, _time.GetUtcNow())
            : null;

    /// <inheritdoc/>
    public ByteSize? GetHeadroom(Volume volume) => _volumes.Find(volume.Id.Key) is { } record ? _quotas.HeadroomOf(record.Group) : null;

    /// <inheritdoc/>
    public VolumeFigures GetFigures(Volume volume) => _edge.Run("look at a volume", () => _volumes.Find(volume.Id.Key) is { } record && _quotas.Look(record.Group) is { } quota
        ? new VolumeFigures
        {
            Headroom = quota.Headroom,
            Referenced = quota.Charge,
            Exclusive = record.Volume.Source is null && _families.IsAlone(record.Family) ? quota.Charge : null,
        }
        : default);

    /// <inheritdoc/>
    /// <remarks>Simple quotas charge a snapshot's blocks to the volume that wrote them, so what would be free without it is not known.</remarks>
    public SnapshotUsage? GetUsage(Snapshot snapshot) => null;

    // While the kernel takes subvolumes apart, what is charged to their group tells how far it is. What a snapshot holds is charged to others.
    private long? WeighTrash(TrashEntry entry)
    {
        var isGoing = entry.Files.Any(file => file.StartsWith(DroppingPrefix, StringComparison.Ordinal));
        if (entry.Trees.Count == 0 && !isGoing)
            return 0;
        return entry.Trees.All(tree => tree == Data) && ReadFamily(_directory.Trash, entry.Name) is { } family && _families.IsAlone(family.Family)
            ? _quotas.ChargeOf(family.Group)?.Bytes
            : null;
    }

    // One that is missing, or is no device here, makes the sum unknown.
    private static BlockStatistics? StatisticsOf(IReadOnlyList<BtrfsDevice> devices)
    {
        var sum = default(BlockStatistics);
        foreach (var device in devices)
        {
            if (device.Path.Length == 0 || Files.TryStat(device.Path) is not { } node || BlockStatistics.Find(node.RepresentedDevice) is not { } one)
                return null;
            sum = sum is null ? one : sum + one;
        }
        return sum;
    }

    private static DeviceErrors ErrorsOf(BtrfsDevice device) => new(
        device.Path.Length > 0 ? device.Path : device.Id.ToString(CultureInfo.InvariantCulture),
        device.WriteErrors, device.ReadErrors, device.FlushErrors, device.CorruptionErrors, device.GenerationErrors);
}
