using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lamina.Storage.Pools.Zfs;

/// <content>What things use: of the whole pool by one command, behind the scenes.</content>
internal sealed partial class ZfsPool
{
    private static readonly TimeSpan CapacityAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CapacityPatience = TimeSpan.FromSeconds(5);
    private FrozenDictionary<string, (ByteSize Used, ByteSize Referenced)> _sample = FrozenDictionary<string, (ByteSize, ByteSize)>.Empty;
    private DateTimeOffset _sampledAt;
    private PoolCapacity _capacity;
    private long _capacityAt;
    private Task? _measuring;
    private ImmutableList<string> _sick = [];
    private ImmutableList<string> _waiting = [];

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _sick.AddRange(_waiting);

    /// <inheritdoc/>
    /// <remarks>By one command, at most once a second. Quotas and reservations above the pool, and beneath it, are in what ZFS calls available.</remarks>
    public PoolCapacity GetCapacity()
    {
        if (_time.GetElapsedTime(Interlocked.Read(ref _capacityAt)) < CapacityAge)
            return _capacity;
        // Waited for, but not for ever: a pool whose disks are gone does not answer any more, and what was known last is better than nothing.
        var measuring = StartMeasuring();
        if (Task.WaitAny([measuring], CapacityPatience) == 0 && measuring.Exception?.InnerException is ZfsFailure failure)
            throw _edge.Failed("measure the room", failure);
        return _capacity;
    }

    /// <inheritdoc/>
    public VolumeUsage? GetUsage(Volume volume) =>
        _sample.TryGetValue(_layout.VolumeOf(volume.Id.Key), out var known) ? new VolumeUsage(known.Referenced, null, _sampledAt) : null;

    /// <inheritdoc/>
    public SnapshotUsage? GetUsage(Snapshot snapshot) =>
        _snapshots.TryGetValue(snapshot.Id.Key, out var one) && _sample.TryGetValue($"{one.Dataset}@{snapshot.Id.Key}", out var known)
            ? new SnapshotUsage(known.Used, _sampledAt)
            : null;

    private void TakeSample(ZfsInventory inventory)
    {
        _sample = inventory.Objects.ToFrozenDictionary(
            one => one.Name, one => (new ByteSize(one.Number("used") ?? 0), new ByteSize(one.Number("referenced") ?? 0)));
        _sampledAt = _time.GetUtcNow();
        TakeCapacity(inventory.Root);
    }

    private void TakeCapacity(ZfsObject root)
    {
        var available = new ByteSize(root.Number("available") ?? 0);
        _capacity = new PoolCapacity(new ByteSize(available.Bytes + (root.Number("used") ?? 0)), available);
        Interlocked.Exchange(ref _capacityAt, _time.GetTimestamp());
    }

    private Task StartMeasuring()
    {
        lock (_layout)
            return _measuring is { IsCompleted: false } running ? running : _measuring = Task.Run(MeasureAsync);
    }

    private async Task MeasureAsync() => TakeCapacity(new ZfsObject(
        _layout.Root, await _zfs.GetAsync(_layout.Root, deep: false, ["used", "available"], CancellationToken.None).ConfigureAwait(false)));

    private async Task LookAtHealthAsync(CancellationToken cancellationToken)
    {
        var health = (await _zfs.AskPoolAsync(cancellationToken, "list", "-H", "-o", "health", _layout.Pool).ConfigureAwait(false)).Trim();
        _sick = health == "ONLINE" ? [] : [$"the ZFS pool {_layout.Pool} is {health}; see: zpool status -v {_layout.Pool}"];
    }
}
