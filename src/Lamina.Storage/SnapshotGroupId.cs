using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>
/// The id of a group of snapshots that the outside sees: <c>&lt;pool id&gt;.&lt;key&gt;</c>, at most 110 bytes. The pool is that of the first volume in order,
/// so that it is known who can tell of a group that is not known here.
/// </summary>
/// <param name="Pool">The pool that holds the first member.</param>
/// <param name="Key">The key of the group's name.</param>
[JsonConverter(typeof(ParsableJsonConverter<SnapshotGroupId>))]
public readonly record struct SnapshotGroupId(PoolId Pool, ObjectKey Key) : IStorageValue<SnapshotGroupId>, IComparable<SnapshotGroupId>
{
    /// <inheritdoc/>
    public static string Grammar => "the id of a snapshot group: a pool id, a dot and a key";

    /// <inheritdoc/>
    public static bool TryParse(string? text, out SnapshotGroupId value)
    {
        var parsed = ObjectId.TryParse(text, out var pool, out var key);
        value = parsed ? new SnapshotGroupId(pool, key) : default;
        return parsed;
    }

    /// <summary>By key first, the order of every list; then by pool.</summary>
    public int CompareTo(SnapshotGroupId other) => ObjectId.Compare(Pool, Key, other.Pool, other.Key);

    /// <summary>The id as the outside sees it.</summary>
    public override string ToString() => $"{Pool}.{Key}";
}
