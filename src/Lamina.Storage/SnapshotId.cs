using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>The id of a snapshot that the outside sees: <c>&lt;pool id&gt;.&lt;key&gt;</c>, at most 110 bytes.</summary>
/// <param name="Pool">The pool that holds the snapshot.</param>
/// <param name="Key">The snapshot's key.</param>
[JsonConverter(typeof(ParsableJsonConverter<SnapshotId>))]
public readonly record struct SnapshotId(PoolId Pool, ObjectKey Key) : IStorageValue<SnapshotId>, IComparable<SnapshotId>
{
    /// <inheritdoc/>
    public static string Grammar => "a snapshot id: a pool id, a dot and a key";

    /// <inheritdoc/>
    public static bool TryParse(string? text, out SnapshotId value)
    {
        var parsed = ObjectId.TryParse(text, out var pool, out var key);
        value = parsed ? new SnapshotId(pool, key) : default;
        return parsed;
    }

    /// <summary>By key first, the order of every list; then by pool.</summary>
    public int CompareTo(SnapshotId other) => ObjectId.Compare(Pool, Key, other.Pool, other.Key);

    /// <summary>The id as the outside sees it.</summary>
    public override string ToString() => $"{Pool}.{Key}";
}
