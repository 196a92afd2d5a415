namespace Lamina.Storage;

/// <summary>Snapshots of several volumes, cut at one write point.</summary>
/// <param name="Membership">What its members record of it.</param>
/// <param name="Snapshots">Its members, in order; without those that lie in a pool that is not loaded, or was forgotten.</param>
public sealed record SnapshotGroup(SnapshotGroupMembership Membership, IReadOnlyList<Snapshot> Snapshots)
{
    /// <summary>The id that the outside sees.</summary>
    public SnapshotGroupId Id => Membership.Id;

    /// <summary>The name as it was asked for.</summary>
    public string Name => Membership.Name;

    /// <summary>The front door that made it.</summary>
    public Door Door => Snapshots[0].Door;

    /// <summary>The write point.</summary>
    public DateTimeOffset CreatedAt => Snapshots[0].CreatedAt;

    /// <summary>How long the writers of its volumes stood still for it, at most; null when nobody had to be stopped.</summary>
    public TimeSpan? Pause => Snapshots.Max(snapshot => snapshot.Pause);
}
