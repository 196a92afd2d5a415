namespace Lamina.Storage;

/// <summary>
/// What can be asked of a volume at its creation and changed later, in use or not. The doors pass strings; this is their one parser. Which of
/// them a pool has is said by <see cref="Pools.PoolDescription.MutableAttributes"/>.
/// </summary>
public sealed record VolumeAttributes
{
    /// <summary>The key of <see cref="Compression"/>.</summary>
    public const string CompressionKey = "compression";

    /// <summary>The key of <see cref="RecordSize"/>.</summary>
    public const string RecordSizeKey = "recordsize";

    /// <summary>The key of <see cref="AccessTime"/>.</summary>
    public const string AccessTimeKey = "atime";

    /// <summary>The key of <see cref="LogBias"/>.</summary>
    public const string LogBiasKey = "logbias";

    /// <summary>Nothing in particular.</summary>
    public static VolumeAttributes None { get; } = new();

    /// <summary>Compression of what is written from now on; null: as the volume was made.</summary>
    public string? Compression { get; init; }

    /// <summary>The largest piece that files are stored in that are made from now on (ZFS); null: as the volume was made.</summary>
    public ByteSize? RecordSize { get; init; }

    /// <summary>Whether reading a file changes its time (ZFS); null: as the volume was made.</summary>
    public bool? AccessTime { get; init; }

    /// <summary>What flushes are for (ZFS); null: as the volume was made.</summary>
    public string? LogBias { get; init; }

    /// <summary>Reads attributes as the doors get them.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: an unknown key or a bad value, named.</exception>
    public static VolumeAttributes Parse(IEnumerable<KeyValuePair<string, string>> attributes)
    {
        var result = None;
        foreach (var (key, value) in attributes)
        {
            result = key switch
            {
                CompressionKey => result with { Compression = VolumeParameters.ParseCompression(value) },
                RecordSizeKey => result with { RecordSize = VolumeParameters.ParseRecordSize(value) },
                AccessTimeKey => result with { AccessTime = VolumeParameters.ParseSwitch(key, value) },
                LogBiasKey => result with { LogBias = VolumeParameters.ParseLogBias(value) },
                _ => throw new StorageException(StorageError.InvalidArgument,
                    $"unknown attribute '{key}'; what can be changed is {CompressionKey}, and in ZFS pools {RecordSizeKey}, {AccessTimeKey} and {LogBiasKey}"),
            };
        }
        return result;
    }

    /// <summary>The same, with what others name put over it; what they do not name stays.</summary>
    public VolumeAttributes With(VolumeAttributes changes) => new()
    {
        Compression = changes.Compression ?? Compression,
        RecordSize = changes.RecordSize ?? RecordSize,
        AccessTime = changes.AccessTime ?? AccessTime,
        LogBias = changes.LogBias ?? LogBias,
    };

    /// <summary>As the doors get them.</summary>
    public IDictionary<string, string> ToDictionary()
    {
        var result = new Dictionary<string, string>();
        if (Compression is { } compression)
            result.Add(CompressionKey, compression);
        if (RecordSize is { } recordSize)
            result.Add(RecordSizeKey, recordSize.ToString());
        if (AccessTime is { } accessTime)
            result.Add(AccessTimeKey, accessTime ? "on" : "off");
        if (LogBias is { } logBias)
            result.Add(LogBiasKey, logBias);
        return result;
    }

    /// <summary>Why a pool can't have them, naming the attribute and the pool; null when it can.</summary>
    public string? ObstacleIn(Pools.PoolDescription pool) =>
        ToDictionary().Keys.FirstOrDefault(key => !pool.MutableAttributes.Contains(key)) is { } key
            ? $"the attribute '{key}' is not possible in pool '{pool.Name}': its backend is {pool.Backend}"
            : pool.ObstacleToCompression(Compression);

    /// <summary>Such as <c>compression=zstd</c>; <c>none</c> when nothing is asked for.</summary>
    public override string ToString() => string.Join(' ', ToDictionary().Select(pair => $"{pair.Key}={pair.Value}")) is { Length: > 0 } text ? text : "none";
}
