using System.Globalization;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    public PoolFigures GetFigures() => _edge.Run("look at the pool", () =>
    {
        var space = Linux.Btrfs.GetSpace(_directory.Root);
        return _directory.Figures with
        {
            Unallocated = new ByteSize((long)space.Unallocated),
            MetadataSize = new ByteSize((long)space.MetadataTotal),
            MetadataUsed = new ByteSize((long)space.MetadataUsed),
            DeviceErrors = [.. Linux.Btrfs.GetInfo(_directory.Root).Devices.Select(ErrorsOf)],
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
    /// <remarks>Simple quotas charge a snapshot's blocks to the volume that wrote them, so what would be free without it is not known.</remarks>
    public SnapshotUsage? GetUsage(Snapshot snapshot) => null;

    private static DeviceErrors ErrorsOf(BtrfsDevice device) => new(
        device.Path.Length > 0 ? device.Path : device.Id.ToString(CultureInfo.InvariantCulture),
        device.WriteErrors, device.ReadErrors, device.FlushErrors, device.CorruptionErrors, device.GenerationErrors);
}
