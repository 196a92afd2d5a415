using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lamina.Storage.Pools.Zfs;

/// <content>What things use: of the whole pool by one command, behind the scenes.</content>
internal sealed partial class ZfsPool
{
    private static readonly TimeSpan CapacityAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CapacityPatience = TimeSpan.FromSeconds(5);
    private FrozenDictionary<string, Sample> _sample = FrozenDictionary<string, Sample>.Empty;
    private DateTimeOffset _sampledAt;
    private PoolCapacity _capacity;
    private long _capacityAt;
    private Task? _measuring;
    private ZpoolHealth _health = ZpoolHealth.Unknown;
    private ImmutableList<string> _waiting = [];

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _health.Problems.AddRange(_waiting);

    /// <inheritdoc/>
    public PoolHealth Health => _health.Figures;

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
    /// <remarks>What the dialect does not know is not said.</remarks>
    public VolumeUsage? GetUsage(Volume volume) =>
        _sample.TryGetValue(_layout.VolumeOf(volume.Id.Key), out var known) && known.Referenced is { } used
            ? new VolumeUsage(used, null, _sampledAt) { Snapshots = known.Snapshots, Written = known.Written, Uncompressed = known.Uncompressed }
            : null;

    /// <inheritdoc/>
    public SnapshotUsage? GetUsage(Snapshot snapshot) =>
        _snapshots.TryGetValue(snapshot.Id.Key, out var one) && _sample.TryGetValue($"{one.Dataset}@{snapshot.Id.Key}", out var known)
            ? new SnapshotUsage(known.Used, _sampledAt)
            : null;

    private void TakeSample(ZfsInventory inventory)
    {
        _sample = inventory.Objects.ToFrozenDictionary(
            one => one.Name, one => new Sample(one.Bytes("used"), one.Bytes("referenced"), one.Bytes("usedbysnapshots"), one.Bytes("written"), one.Bytes("logicalused")));
        _sampledAt = _time.GetUtcNow();
        TakeCapacity(inventory.Root);
    }

    private void TakeCapacity(ZfsObject root)
    {
        if (root.Bytes("available") is not { } available || root.Bytes("used") is not { } used)
            throw new ZfsFailure(StorageError.Unavailable, "zfs get", $"it does not say what {root.Name} uses and what is available in it");
        _capacity = new PoolCapacity(new ByteSize(available.Bytes + used.Bytes), available);
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
        var list = await _zfs.AskPoolAsync(cancellationToken, [.. _zfs.Dialect.HealthQuestion, _layout.Pool]).ConfigureAwait(false);
        var status = await _zfs.AskPoolAsync(cancellationToken, [.. _zfs.Dialect.StatusQuestion, _layout.Pool]).ConfigureAwait(false);
        _health = ZpoolHealth.Parse(_layout.Pool, list, status);
    }

    // Of a dataset or snapshot; null is what ZFS did not say.
    private sealed record Sample(ByteSize? Used, ByteSize? Referenced, ByteSize? Snapshots, ByteSize? Written, ByteSize? Uncompressed);
}
