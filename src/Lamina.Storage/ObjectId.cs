namespace Lamina.Storage;

/// <summary>What the ids of volumes and of snapshots have in common: the form <c>&lt;pool id&gt;.&lt;key&gt;</c>, and their order.</summary>
internal static class ObjectId
{
    internal static bool TryParse(string? text, out PoolId pool, out ObjectKey key)
    {
        pool = default;
        key = default;
        var dot = text?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && PoolId.TryParse(text![..dot], out pool) && ObjectKey.TryParse(text[(dot + 1)..], out key);
    }

    internal static int Compare(PoolId leftPool, ObjectKey leftKey, PoolId rightPool, ObjectKey rightKey) =>
        leftKey.CompareTo(rightKey) is var order and not 0 ? order : string.CompareOrdinal(leftPool.ToString(), rightPool.ToString());
}
