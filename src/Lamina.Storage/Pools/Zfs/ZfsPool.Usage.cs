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
    private int _trashEntries;
    private readonly Lock _startingToMeasure = new();
    private volatile Capacity? _capacity;
    private Task? _measuring;
    private ZpoolHealth _health = ZpoolHealth.Unknown;
    private ImmutableList<string> _waiting = [];

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems() => _health.Problems.AddRange(_waiting);

    /// <inheritdoc/>
    public PoolHealth Health => _health.Figures;

    /// <inheritdoc/>
    /// <remarks>As it was when the trash was last looked at.</remarks>
    public PoolFigures GetFigures() => new() { TrashEntries = _trashEntries };

    /// <inheritdoc/>
    /// <remarks>By one command, at most once a second. Quotas and reservations above the pool, and beneath it, are in what ZFS calls available.</remarks>
    public PoolCapacity GetCapacity()
    {
        if (_capacity is { } known && _time.GetElapsedTime(known.At) < CapacityAge)
            return known.Room;
        // Waited for, but not for ever: a pool whose disks are gone does not answer any more, and what was known last is better than nothing.
        var measuring = StartMeasuring();
        if (Task.WaitAny([measuring], CapacityPatience) == 0 && measuring.Exception?.InnerException is ZfsFailure failure)
            throw _edge.Failed("measure the room", failure);
        return _capacity?.Room ?? throw new StorageException(StorageError.Unavailable, $"the ZFS pool {_layout.Pool} does not say how much room there is; see: zpool status {_layout.Pool}");
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
        _trashEntries = inventory.Objects.Count(one => one.SnapshotName is { } snapshot ? one.IsOurs && ZfsLayout.IsTrashSnapshot(snapshot) : _layout.IsTrash(one.Name));
        TakeCapacity(inventory.Root);
    }

    private void TakeCapacity(ZfsObject root)
    {
        if (root.Bytes("available") is not { } available || root.Bytes("used") is not { } used)
            throw new ZfsFailure(StorageError.Unavailable, "zfs get", $"it does not say what {root.Name} uses and what is available in it");
        _capacity = new Capacity(new PoolCapacity(new ByteSize(available.Bytes + used.Bytes), available), _time.GetTimestamp());
    }

    private Task StartMeasuring()
    {
        lock (_startingToMeasure)
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

    // Replaced as a whole, as it is read while it is measured.
    private sealed record Capacity(PoolCapacity Room, long At);

    // Of a dataset or snapshot; null is what ZFS did not say.
    private sealed record Sample(ByteSize? Used, ByteSize? Referenced, ByteSize? Snapshots, ByteSize? Written, ByteSize? Uncompressed);
}
