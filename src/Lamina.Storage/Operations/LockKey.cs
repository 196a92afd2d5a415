namespace Lamina.Storage.Operations;

/// <summary>What is locked: a volume, a snapshot or a group of snapshots by key, the same whether the caller came with a name or an id, and in whatever pool; or a path.</summary>
public readonly record struct LockKey : IComparable<LockKey>
{
    private readonly string _value;

    private LockKey(string value) => _value = value;

    /// <summary>The lock of the volume with that key.</summary>
    public static LockKey Volume(ObjectKey key) => new($"volume {key}");

    /// <summary>The lock of the snapshot with that key.</summary>
    public static LockKey Snapshot(ObjectKey key) => new($"snapshot {key}");

    /// <summary>The lock of the group of snapshots with that key.</summary>
    public static LockKey Group(ObjectKey key) => new($"group {key}");

    /// <summary>The lock of a path that volumes are staged or published at.</summary>
    public static LockKey Path(string path) => new($"path {path}");

    /// <summary>The lock of what a volume is made from.</summary>
    public static LockKey Of(VolumeSource source) =>
        source.Snapshot is { } snapshot ? Snapshot(snapshot.Key) : Volume(source.Volume!.Value.Key);

    /// <summary>The order in which locks are taken.</summary>
    public int CompareTo(LockKey other) => string.CompareOrdinal(_value, other._value);

    /// <summary>For messages.</summary>
    public override string ToString() => _value;
}
