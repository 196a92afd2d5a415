using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>
/// The group that a snapshot was cut in, as each of its members records it. There is no other record of a group: it is there when all of its
/// members are, and everything else of it is derived from its name and its volumes.
/// </summary>
public sealed record SnapshotGroupMembership
{
    /// <summary>The group's name as it was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>The volumes that were cut together, in order; at least one, none twice.</summary>
    public required ImmutableArray<VolumeId> Volumes { get; init; }

    /// <summary>The group's id.</summary>
    [JsonIgnore]
    public SnapshotGroupId Id => new(Volumes[0].Pool, ObjectKey.FromName(Name));

    /// <summary>The ids of the members, in the order of their volumes.</summary>
    [JsonIgnore]
    public ImmutableArray<SnapshotId> Members
    {
        get
        {
            var group = ObjectKey.FromName(Name);
            return [.. Volumes.Select((volume, number) => new SnapshotId(volume.Pool, ObjectKey.OfGroupMember(group, number)))];
        }
    }

    /// <summary>The group of that name of these volumes, in whatever order they are given.</summary>
    internal static SnapshotGroupMembership Of(string name, IEnumerable<VolumeId> volumes) => new() { Name = name, Volumes = [.. volumes.Order()] };

    /// <summary>Whether a snapshot is the member that it says it is.</summary>
    internal static bool IsTrueOf(Snapshot snapshot) =>
        snapshot.Group is { Volumes: { IsDefaultOrEmpty: false } volumes } group
        && volumes.IndexOf(snapshot.SourceVolume) is >= 0 and var number
        && group.Members[number] == snapshot.Id;
}
