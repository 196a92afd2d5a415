using System.Globalization;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>What can be asked of a volume at its creation, besides its size, pool and source. The doors pass strings; this is their one parser.</summary>
public sealed record VolumeParameters
{
    /// <summary>The key of the pool's name, which is not a parameter of the volume itself but travels with them.</summary>
    public const string PoolKey = "pool";

    private static readonly string[] Compressions = ["none", "lzo", "zlib", "zstd"];

    /// <summary>Nothing in particular.</summary>
    public static VolumeParameters None { get; } = new();

    /// <summary>Owner of the root directory; null: root, or as in the source.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group of the root directory; null: root, or as in the source.</summary>
    public uint? Gid { get; init; }

    /// <summary>Permission bits of the root directory, 0 to 07777; null: 0755, or as in the source.</summary>
    public uint? Mode { get; init; }

    /// <summary>Compression of what is written (Btrfs): <c>none</c>, <c>lzo</c>, <c>zlib</c> or <c>zstd</c>; null: the filesystem's own.</summary>
    public string? Compression { get; init; }

    /// <summary>False keeps files in place when they are rewritten (Btrfs nodatacow): faster for databases, without checksums.</summary>
    public bool? CopyOnWrite { get; init; }

    /// <summary>The host directory that a bind volume serves.</summary>
    public MountTarget? Source { get; init; }

    /// <summary>Reads parameters as the doors get them.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: an unknown key or a bad value, named.</exception>
    public static VolumeParameters Parse(IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var result = None;
        foreach (var (key, value) in parameters)
        {
            result = key switch
            {
                "uid" => result with { Uid = ParseId(key, value) },
                "gid" => result with { Gid = ParseId(key, value) },
                "mode" => result with { Mode = ParseMode(value) },
                "compression" => result with { Compression = ParseCompression(value) },
                "copyOnWrite" when bool.TryParse(value, out var flag) => result with { CopyOnWrite = flag },
                "copyOnWrite" => throw Invalid(key, value, "true or false"),
                "source" => result with { Source = IStorageValue<MountTarget>.Parse(value) },
                _ => throw new StorageException(StorageError.InvalidArgument,
                    $"unknown parameter '{key}'; known are pool, uid, gid, mode, compression, copyOnWrite and source"),
            };
        }
        return result;
    }

    /// <summary>Refuses what a pool's backend can't do.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>, naming the parameter and the backend.</exception>
    public void CheckAgainst(PoolDescription pool)
    {
        if (ObstacleIn(pool) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
    }

    /// <summary>Why such a volume can't be made in a pool, naming the parameter and the backend; null when it can.</summary>
    public string? ObstacleIn(PoolDescription pool)
    {
        string? Needs(bool asked, PoolFeatures needed, string key) => asked && !pool.Features.HasFlag(needed)
            ? $"the parameter '{key}' is not possible in pool '{pool.Name}': its backend is {pool.Backend}"
            : null;

        return Needs(Compression is not null, PoolFeatures.Compression, "compression")
            ?? Needs(CopyOnWrite is not null, PoolFeatures.NoCopyOnWrite, "copyOnWrite")
            ?? Needs(Source is not null, PoolFeatures.HostDirectories, "source")
            ?? Needs(Uid is not null || Gid is not null || Mode is not null, PoolFeatures.RootOwnership, "uid, gid or mode");
    }

    /// <summary>As the doors get them: <c>uid=1000 mode=0750</c>; <c>none</c> when nothing is asked for.</summary>
    public override string ToString()
    {
        string?[] parts =
        [
            Uid is { } uid ? $"uid={uid}" : null,
            Gid is { } gid ? $"gid={gid}" : null,
            Mode is { } mode ? $"mode=0{Convert.ToString(mode, 8)}" : null,
            Compression is { } compression ? $"compression={compression}" : null,
            CopyOnWrite is { } flag ? $"copyOnWrite={(flag ? "true" : "false")}" : null,
            Source is { } source ? $"source={source}" : null,
        ];
        return string.Join(' ', parts.Where(part => part is not null)) is { Length: > 0 } text ? text : "none";
    }

    /// <summary>A compression by its name.</summary>
    internal static string ParseCompression(string value) =>
        Compressions.Contains(value) ? value : throw Invalid("compression", value, "one of " + string.Join(", ", Compressions));

    /// <summary>Reads the number of a user or group: 0 to 4294967294, as -1 means "leave it" to chown(2).</summary>
    public static bool TryParseOwner(string text, out uint owner) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out owner) && owner != uint.MaxValue;

    private static uint ParseId(string key, string value) => TryParseOwner(value, out var id) ? id : throw Invalid(key, value, "a number from 0 to 4294967294");

    private static uint ParseMode(string value)
    {
        var digits = value.Length is >= 3 and <= 5 && value.All(c => c is >= '0' and <= '7');
        var mode = digits ? Convert.ToUInt32(value, 8) : uint.MaxValue;
        return mode <= 0xFFF ? mode : throw Invalid("mode", value, "octal permission bits such as 0750");
    }

    private static StorageException Invalid(string key, string value, string allowed) =>
        new(StorageError.InvalidArgument, $"the parameter '{key}' has the value '{value}'; allowed is {allowed}");
}
