using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Images;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// The snapshots of one group in one pool, on the way to being cut by one command, which is one moment. It gives all of them the same properties, so their
/// record is one that describes them all.
/// </summary>
internal sealed class ZfsGroupCut(ZfsCommand zfs, SnapshotGroupMembership group)
{
    private readonly Dictionary<string, Snapshot> _members = [];
    private readonly List<DeviceHold> _holds = [];
    private WritePoint? _takenAt;

    /// <summary>Whether they are there, seen by nobody yet.</summary>
    internal bool IsTaken => _takenAt is not null;

    /// <summary>One more that is to be cut.</summary>
    /// <param name="name">What it is called in ZFS.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="hold">What keeps its volume still, where that is a device.</param>
    internal void Add(string name, Snapshot snapshot, DeviceHold? hold)
    {
        _members.Add(name, snapshot);
        if (hold is not null)
            _holds.Add(hold);
    }

    /// <summary>Cuts all of them, when it is asked of the first one.</summary>
    internal async Task TakeAsync(WritePoint point)
    {
        if (ReferenceEquals(_takenAt, point))
            return;
        // What is left of a cut that is void goes first.
        foreach (var name in _takenAt is not null ? _members.Keys : Enumerable.Empty<string>())
            await zfs.DestroyAsync(name).ConfigureAwait(false);
        _takenAt = null;
        foreach (var hold in _holds)
            hold.BeforeCut();
        await zfs.SnapshotAsync(_members.Keys, ZfsRecords.Of(group, _members.Values)).ConfigureAwait(false);
        _takenAt = point;
    }
}
