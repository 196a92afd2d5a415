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
    private readonly Lock _startingToMeasure = new();
    private volatile Room? _room;
    private PoolFigures _figures = new();
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
        if (_room is { } known && _time.GetElapsedTime(known.Timestamp) < CapacityAge)
            return known.Capacity;
        // Waited for, but not for ever: a pool whose disks are gone does not answer any more, and what was known last is better than nothing.
        var measuring = StartMeasuring();
        if (Task.WaitAny([measuring], CapacityPatience) == 0 && measuring.Exception?.InnerException is ZfsFailure failure)
            throw _edge.Failed("measure the room", failure);
        return _room?.Capacity ?? throw new StorageException(StorageError.Unavailable, $"the ZFS pool {_layout.Pool} does not say how much room there is; see: zpool status {_layout.Pool}");
    }

    /// <inheritdoc/>
    /// <remarks>As it was when the trash was last looked at. Of what a ZFS said last that does not answer any more, the age is said too.</remarks>
    public PoolFigures GetFigures() => _figures with { AsOf = _room?.At };

    /// <inheritdoc/>
    public VolumeFigures GetFigures(Volume volume) =>
        _sample.TryGetValue(_layout.VolumeOf(volume.Id.Key), out var known) ? new VolumeFigures { Referenced = known.Referenced, Exclusive = known.Exclusive } : default;

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
        var parents = inventory.Datasets.Select(one => one.Name[..Math.Max(0, one.Name.LastIndexOf('/'))]).ToHashSet();
        _sample = inventory.Objects.ToFrozenDictionary(
            one => one.Name,
            one => new Sample(one.Bytes("used"), one.Bytes("referenced"), one.Bytes("usedbysnapshots"), one.Bytes("written"), one.Bytes("logicalused"))
            {
                // What is set aside, and what lies beneath, is counted as used too.
                Exclusive = one.SnapshotName is null && !parents.Contains(one.Name) && one.Size("refreservation") is null && one.Bytes("used") is { } used && one.Bytes("usedbysnapshots") is { } held
                    ? new ByteSize(used.Bytes - held.Bytes)
                    : null,
            });
        _sampledAt = _time.GetUtcNow();
        // A snapshot of a dataset that is in the trash itself is in what that uses.
        var trash = inventory.Objects.Where(one => one.SnapshotName is null ? _layout.IsTrash(one.Name) : IsGoing(one) && !_layout.IsTrash(one.Dataset)).ToList();
        _figures = new PoolFigures
        {
            TrashEntries = trash.Count,
            TrashBytes = trash.TrueForAll(one => one.Bytes("used") is not null) ? new ByteSize(trash.Sum(one => one.Bytes("used")!.Value.Bytes)) : null,
        };
        TakeCapacity(inventory.Root);
    }

    private void TakeCapacity(ZfsObject root)
    {
        if (root.Bytes("available") is not { } available || root.Bytes("used") is not { } used)
            throw new ZfsFailure(StorageError.Unavailable, "zfs get", $"it does not say what {root.Name} uses and what is available in it");
        _room = new Room(new PoolCapacity(new ByteSize(available.Bytes + used.Bytes), available), _time.GetTimestamp(), _time.GetUtcNow());
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
        var health = ZpoolHealth.Parse(_layout.Pool, list, status);
        _health = health with { Figures = health.Figures with { At = _time.GetUtcNow() } };
    }

    // Of a dataset or snapshot; null is what ZFS did not say.
    private sealed record Sample(ByteSize? Used, ByteSize? Referenced, ByteSize? Snapshots, ByteSize? Written, ByteSize? Uncompressed)
    {
        // What would be free without it, were its snapshots kept.
        internal ByteSize? Exclusive { get; init; }
    }

    // Replaced as a whole, as it is read while it is measured. By the clock that is compared, and by that of people.
    private sealed record Room(PoolCapacity Capacity, long Timestamp, DateTimeOffset At);
}
