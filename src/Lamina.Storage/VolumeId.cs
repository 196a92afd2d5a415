using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>The id of a volume that the outside sees: <c>&lt;pool id&gt;.&lt;key&gt;</c>, at most 110 bytes.</summary>
/// <param name="Pool">The pool that holds the volume.</param>
/// <param name="Key">The volume's key.</param>
[JsonConverter(typeof(ParsableJsonConverter<VolumeId>))]
public readonly record struct VolumeId(PoolId Pool, ObjectKey Key) : IStorageValue<VolumeId>, IComparable<VolumeId>
{
    /// <inheritdoc/>
    public static string Grammar => "a volume id: a pool id, a dot and a key";

    /// <inheritdoc/>
    public static bool TryParse(string? text, out VolumeId value)
    {
        var parsed = ObjectId.TryParse(text, out var pool, out var key);
        value = parsed ? new VolumeId(pool, key) : default;
        return parsed;
    }

    /// <summary>By key first, the order of every list; then by pool.</summary>
    public int CompareTo(VolumeId other) => ObjectId.Compare(Pool, Key, other.Pool, other.Key);

    /// <summary>The id as the outside sees it.</summary>
    public override string ToString() => $"{Pool}.{Key}";
}
