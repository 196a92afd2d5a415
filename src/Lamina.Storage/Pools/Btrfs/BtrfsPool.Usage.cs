namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
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
}
