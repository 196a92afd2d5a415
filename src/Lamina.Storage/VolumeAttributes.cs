namespace Lamina.Storage;

/// <summary>
/// What can be asked of a volume at its creation and changed later, in use or not. The doors pass strings; this is their one parser. Which of
/// them a pool has is said by <see cref="Pools.PoolDescription.MutableAttributes"/>.
/// </summary>
public sealed record VolumeAttributes
{
    /// <summary>The key of <see cref="Compression"/>.</summary>
    public const string CompressionKey = "compression";

    /// <summary>Nothing in particular.</summary>
    public static VolumeAttributes None { get; } = new();

    /// <summary>Compression of what is written from now on (Btrfs); null: as the volume was made.</summary>
    public string? Compression { get; init; }

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
                _ => throw new StorageException(StorageError.InvalidArgument, $"unknown attribute '{key}'; what can be changed is {CompressionKey}"),
            };
        }
        return result;
    }

    /// <summary>The same, with what others name put over it; what they do not name stays.</summary>
    public VolumeAttributes With(VolumeAttributes changes) => new() { Compression = changes.Compression ?? Compression };

    /// <summary>As the doors get them.</summary>
    public IDictionary<string, string> ToDictionary() =>
        Compression is { } compression ? new Dictionary<string, string> { [CompressionKey] = compression } : new Dictionary<string, string>();

    /// <summary>Why a pool can't have them, naming the attribute and the pool; null when it can.</summary>
    public string? ObstacleIn(Pools.PoolDescription pool) =>
        ToDictionary().Keys.FirstOrDefault(key => !pool.MutableAttributes.Contains(key)) is { } key
            ? $"the attribute '{key}' is not possible in pool '{pool.Name}': its backend is {pool.Backend}"
            : null;

    /// <summary>Such as <c>compression=zstd</c>; <c>none</c> when nothing is asked for.</summary>
    public override string ToString() => string.Join(' ', ToDictionary().Select(pair => $"{pair.Key}={pair.Value}")) is { Length: > 0 } text ? text : "none";
}
