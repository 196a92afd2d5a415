namespace Lamina.Cli.Commands;

/// <summary>How fast things go, by what <c>lamina top</c> has seen so far. At the first look nothing is known.</summary>
internal sealed class TopPaces
{
    private readonly Dictionary<string, (V1.Usage Usage, double? Pace)> _usages = [];
    private TopLook? _first;
    private TopLook? _before;
    private TopLook? _last;

    /// <summary>Adds a look.</summary>
    internal void Add(TopLook look)
    {
        (_first, _before, _last) = (_first ?? look, _last, look);
        // From one measurement to the next, however far those are apart.
        foreach (var volume in look.Volumes.Where(volume => volume.Usage is not null))
        {
            var usage = volume.Usage;
            if (!_usages.TryGetValue(volume.Id, out var known))
                _usages[volume.Id] = (usage, null);
            else if ((usage.MeasuredAt - known.Usage.MeasuredAt).ToTimeSpan().TotalSeconds is > 0 and var seconds)
                _usages[volume.Id] = (usage, (usage.UsedBytes - known.Usage.UsedBytes) / seconds);
        }
    }

    /// <summary>By how many bytes a second a volume grows; null: unknown.</summary>
    internal double? GrowthOf(V1.Volume volume) => _usages.TryGetValue(volume.Id, out var known) ? known.Pace : null;

    /// <summary>The same of a pool, since the first look: a single interval tells little of a filesystem that allocates late.</summary>
    internal double? GrowthOf(V1.Pool pool) =>
        pool.HasAvailableBytes && _first?.Pools.FirstOrDefault(other => other.Name == pool.Name && other.Id == pool.Id) is { HasAvailableBytes: true } before && Seconds(_first) is > 0 and var seconds
            ? (before.AvailableBytes - pool.AvailableBytes) / seconds
            : null;

    /// <summary>What a pool's disk did between the last two looks, per second; null: unknown.</summary>
    internal (double Read, double Written, double Busy)? UseOf(V1.Pool pool) => Between(_before?.Pools.FirstOrDefault(other => other.Name == pool.Name && other.Id == pool.Id)?.Disk, pool.Disk);

    /// <summary>The same of a volume's device.</summary>
    internal (double Read, double Written, double Busy)? UseOf(V1.Volume volume) => Between(_before?.Volumes.FirstOrDefault(other => other.Id == volume.Id)?.Io, volume.Io);

    /// <summary>How often a method was called between the last two looks, per second, and how long it took; null: unknown.</summary>
    internal (double Rate, TimeSpan? Mean)? RateOf(V1.CallCount count)
    {
        if (_before?.Calls is not { } calls || Seconds(_before) is not (> 0 and var seconds))
            return null;
        var before = calls.Counts.FirstOrDefault(other => (other.Door, other.Method, other.Outcome) == (count.Door, count.Method, count.Outcome));
        var more = count.Count - (before?.Count ?? 0);
        // Less than before is another daemon's count.
        return more < 0 ? null : (more / seconds, more > 0 ? TimeSpan.FromSeconds((count.Seconds - (before?.Seconds ?? 0)) / more) : null);
    }

    // A device that was made anew begins at nothing.
    private (double Read, double Written, double Busy)? Between(V1.DeviceUse? before, V1.DeviceUse? now) =>
        before is not null && now is not null && before.Device == now.Device && before.ReadBytes <= now.ReadBytes && before.WrittenBytes <= now.WrittenBytes && Seconds(_before) is > 0 and var seconds
            ? ((now.ReadBytes - before.ReadBytes) / seconds, (now.WrittenBytes - before.WrittenBytes) / seconds, Math.Clamp((now.BusySeconds - before.BusySeconds) / seconds, 0, 1))
            : null;

    private double? Seconds(TopLook? since) => (_last!.At - since?.At)?.TotalSeconds;
}
