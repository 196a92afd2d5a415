using System.Globalization;
using System.Numerics;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>What can be asked of a volume at its creation, besides its size, pool and source. The doors pass strings; this is their one parser.</summary>
public sealed record VolumeParameters
{
    /// <summary>The key of the pool's name, which is not a parameter of the volume itself but travels with them.</summary>
    public const string PoolKey = "pool";

    /// <summary>The key of <see cref="VolumeBlockSize"/>.</summary>
    public const string VolumeBlockSizeKey = "volblocksize";

    private const long SmallestVolumeBlock = 4 << 10;

    private static readonly string[] Encryptions = ["on", "aes-128-ccm", "aes-192-ccm", "aes-256-ccm", "aes-128-gcm", "aes-192-gcm", "aes-256-gcm"];
    private static readonly string[] Compressions = ["none", "on", "lzo", "zlib", "zstd", "lz4", "gzip", "lzjb", "zle"];

    /// <summary>The most that <see cref="VolumeBlockSize"/> can be.</summary>
    public static ByteSize LargestVolumeBlock { get; } = new(128 << 10);

    /// <summary>Nothing in particular.</summary>
    public static VolumeParameters None { get; } = new();

    /// <summary>Owner of the root directory; null: root, or as in the source.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group of the root directory; null: root, or as in the source.</summary>
    public uint? Gid { get; init; }

    /// <summary>Permission bits of the root directory, 0 to 07777; null: 0755, or as in the source.</summary>
    public uint? Mode { get; init; }

    /// <summary>Compression of what is written, one of <see cref="PoolDescription.Compressions"/>; null: the filesystem's own.</summary>
    public string? Compression { get; init; }

    /// <summary>False keeps files in place when they are rewritten (Btrfs nodatacow): faster for databases, without checksums.</summary>
    public bool? CopyOnWrite { get; init; }

    /// <summary>The largest piece that files are stored in (ZFS), a power of two from 512 bytes; null: the pool's own.</summary>
    public ByteSize? RecordSize { get; init; }

    /// <summary>The size of the blocks of a volume that is a block device (ZFS), a power of two; null: 16 KiB.</summary>
    public ByteSize? VolumeBlockSize { get; init; }

    /// <summary>Whether reading a file changes its time (ZFS); null: as in the pool.</summary>
    public bool? AccessTime { get; init; }

    /// <summary>What flushes are for (ZFS): <c>latency</c> or <c>throughput</c>; null: as in the pool.</summary>
    public string? LogBias { get; init; }

    /// <summary>Whether the volume's size is set aside for it (ZFS), so that no other one can take it; null: no.</summary>
    public bool? Reserve { get; init; }

    /// <summary>How the volume is encrypted (ZFS), by a <see cref="VolumeKey"/> of its own: <c>on</c> or the cipher; null: as the pool is.</summary>
    public string? Encryption { get; init; }

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
                "copyOnWrite" => result with { CopyOnWrite = ParseFlag(key, value) },
                VolumeAttributes.RecordSizeKey => result with { RecordSize = ParseRecordSize(value) },
                VolumeBlockSizeKey => result with { VolumeBlockSize = ParseVolumeBlockSize(value) },
                VolumeAttributes.AccessTimeKey => result with { AccessTime = ParseSwitch(key, value) },
                VolumeAttributes.LogBiasKey => result with { LogBias = ParseLogBias(value) },
                "reserve" => result with { Reserve = ParseFlag(key, value) },
                "encryption" => result with { Encryption = Encryptions.Contains(value) ? value : throw Invalid(key, value, "one of " + string.Join(", ", Encryptions)) },
                "source" => result with { Source = IStorageValue<MountTarget>.Parse(value) },
                _ => throw new StorageException(StorageError.InvalidArgument,
                    $"unknown parameter '{key}'; known are pool, uid, gid, mode, compression, copyOnWrite, recordsize, volblocksize, atime, logbias, reserve, encryption and source"),
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
            ?? pool.ObstacleToCompression(Compression)
            ?? Needs(RecordSize is not null || AccessTime is not null || LogBias is not null || Reserve is not null, PoolFeatures.DatasetProperties, "recordsize, atime, logbias or reserve")
            ?? (VolumeBlockSize is not null && !pool.HasZvols ? $"the parameter '{VolumeBlockSizeKey}' is not possible in pool '{pool.Name}', which has no zvols: its backend is {pool.Backend} on {pool.FileSystem}" : null)
            ?? (Encryption is not null && !pool.Features.HasFlag(PoolFeatures.Encryption)
                ? $"the parameter 'encryption' is not possible in pool '{pool.Name}': its backend is {pool.Backend} on {pool.FileSystem}, which has no encryption; a zfs pool on OpenZFS has"
                : null)
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
            RecordSize is { } recordSize ? $"recordsize={recordSize}" : null,
            VolumeBlockSize is { } volumeBlockSize ? $"{VolumeBlockSizeKey}={volumeBlockSize}" : null,
            AccessTime is { } accessTime ? $"atime={(accessTime ? "on" : "off")}" : null,
            LogBias is { } logBias ? $"logbias={logBias}" : null,
            Reserve is { } reserve ? $"reserve={(reserve ? "true" : "false")}" : null,
            Encryption is { } encryption ? $"encryption={encryption}" : null,
            Source is { } source ? $"source={source}" : null,
        ];
        return string.Join(' ', parts.Where(part => part is not null)) is { Length: > 0 } text ? text : "none";
    }

    /// <summary>A compression by its name.</summary>
    internal static string ParseCompression(string value) =>
        Compressions.Contains(value) ? value : throw Invalid("compression", value, "one of " + string.Join(", ", Compressions));

    /// <summary>The size of records: <c>16K</c> as ZFS writes it, or <c>16Ki</c>.</summary>
    internal static ByteSize ParseRecordSize(string value) =>
        TryParsePowerOfTwo(value) is { Bytes: >= 512 } size ? size : throw Invalid(VolumeAttributes.RecordSizeKey, value, "a power of two from 512 bytes, such as 16Ki");

    /// <summary>What is on or off.</summary>
    internal static bool ParseSwitch(string key, string value) => value switch
    {
        "on" => true,
        "off" => false,
        _ => throw Invalid(key, value, "on or off"),
    };

    /// <summary>What flushes are for.</summary>
    internal static string ParseLogBias(string value) =>
        value is "latency" or "throughput" ? value : throw Invalid(VolumeAttributes.LogBiasKey, value, "latency or throughput");

    /// <summary>Reads the number of a user or group: 0 to 4294967294, as -1 means "leave it" to chown(2).</summary>
    public static bool TryParseOwner(string text, out uint owner) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out owner) && owner != uint.MaxValue;

    private static ByteSize ParseVolumeBlockSize(string value) =>
        TryParsePowerOfTwo(value) is { Bytes: >= SmallestVolumeBlock } size && size <= LargestVolumeBlock ? size : throw Invalid(VolumeBlockSizeKey, value, "a power of two from 4Ki to 128Ki");

    private static ByteSize? TryParsePowerOfTwo(string value)
    {
        var text = value.Length > 1 && value[^1] is 'k' or 'K' or 'M' ? $"{value[..^1]}{char.ToUpperInvariant(value[^1])}i" : value;
        return ByteSize.TryParse(text, out var size) && BitOperations.IsPow2(size.Bytes) ? size : null;
    }

    private static bool ParseFlag(string key, string value) => bool.TryParse(value, out var flag) ? flag : throw Invalid(key, value, "true or false");

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
