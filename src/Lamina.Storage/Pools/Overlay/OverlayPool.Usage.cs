namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <inheritdoc/>
    public VolumeUsage? GetUsage(Volume volume) =>
        _volumes.Find(volume.Id.Key) is { } record && _usage.Sum(record.Chain.Add(record.Head)) is { } sum
            ? new VolumeUsage(new ByteSize(sum.Bytes), sum.Inodes, sum.At)
            : null;

    /// <inheritdoc/>
    public VolumeFigures GetFigures(Volume volume)
    {
        if (_volumes.Find(volume.Id.Key) is not { } record)
            return default;
        long? referenced = 0, exclusive = 0;
        foreach (var layer in record.Chain.Add(record.Head))
        {
            var taken = _usage.Find(layer)?.Bytes;
            referenced += taken;
            // A layer that only this volume names would be free if it went.
            if (_layers.References.CountOf(layer) == 1)
                exclusive += taken;
        }
        return new VolumeFigures
        {
            Referenced = referenced is { } all ? new ByteSize(all) : null,
            Exclusive = exclusive is { } own ? new ByteSize(own) : null,
            Layers = record.Chain.Length + 1,
        };
    }

    /// <inheritdoc/>
    public SnapshotUsage? GetUsage(Snapshot snapshot)
    {
        if (_snapshots.Find(snapshot.Id.Key) is not { } record)
            return null;
        // A layer that only this snapshot names would be free if it went.
        var own = record.Chain.Where(layer => _layers.References.CountOf(layer) == 1).ToList();
        return own.Count == 0 ? new SnapshotUsage(ByteSize.Zero, _time.GetUtcNow())
            : _usage.Sum(own) is { } sum ? new SnapshotUsage(new ByteSize(sum.Bytes), sum.At)
            : null;
    }
}
