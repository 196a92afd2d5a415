using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>Which ZFS it is that we talk to, asked once when a pool is opened: what it can do is asked of this and of nothing else.</summary>
/// <param name="Version">The version of OpenZFS; null for zfs-fuse, which does not know the question.</param>
internal sealed partial record ZfsDialect(Version? Version)
{
    private static readonly Version s_oldest = new(2, 1);
    private static readonly Version s_hidesSnapshots = new(2, 3);

    /// <summary>zfs-fuse 0.7.</summary>
    internal static ZfsDialect Fuse { get; } = new((Version?)null);

    /// <summary>Whether several snapshots, which are one step then, or several properties go into one command.</summary>
    internal bool TakesSeveral => Version is not null;

    /// <summary>Whether volumes can be block devices. zfs-fuse ends at once when it is asked for one.</summary>
    internal bool HasDevices => Version is not null;

    /// <summary>What it knows of volumes that are block devices.</summary>
    internal ImmutableArray<string> DeviceProperties => HasDevices ? [ZvolProperties.Size] : [];

    /// <summary>Whether several datasets may be mounted at once. zfs-fuse writes of each to one pipe in two parts, and waits for ever when they mix.</summary>
    internal bool MountsSeveral => Version is not null;

    /// <summary>How long an unmount may take to be through. zfs-fuse first has the whole host write back what it holds: minutes, where that is much and the disk slow.</summary>
    internal TimeSpan Patience => Version is null ? TimeSpan.FromMinutes(3) : TimeSpan.FromSeconds(3);

    /// <summary>Whether datasets can be encrypted.</summary>
    internal bool HasEncryption => Version is not null;

    /// <summary>
    /// What <c>snapdir</c> is to be. A dataset shows its snapshots in <c>.zfs</c> to whoever asks for it by name, also those that it was handed on and that
    /// another volume was when they were cut; and whoever looks there mounts them. Null where there is no such directory.
    /// </summary>
    internal string? SnapshotDirectory => Version is null ? null : Version >= s_hidesSnapshots ? "disabled" : "hidden";

    /// <summary>What it knows of keys.</summary>
    internal ImmutableArray<string> KeyProperties => HasEncryption ? ["encryptionroot", "keystatus"] : [];

    /// <summary>What it knows besides of what a dataset uses.</summary>
    internal ImmutableArray<string> UsageProperties => Version is null ? [] : ["written", "logicalused"];

    /// <summary>What <c>zpool list</c> is asked for: the health, and the fragmentation where it is known.</summary>
    internal ImmutableArray<string> HealthQuestion => Version is null ? ["list", "-H", "-o", "health"] : ["list", "-Hp", "-o", "health,fragmentation"];

    /// <summary>What <c>zpool status</c> is asked by; with figures that are not rounded, where it has such.</summary>
    internal ImmutableArray<string> StatusQuestion => Version is null ? ["status"] : ["status", "-p"];

    /// <summary>How what is written can be compressed, by our names.</summary>
    internal ImmutableArray<string> Compressions =>
        Version is null ? ["none", "on", "lzjb", "gzip", "zle"] : ["none", "on", "lz4", "zstd", "gzip", "lzjb", "zle"];

    /// <summary>The largest record.</summary>
    internal ByteSize MaxRecordSize => Version is null ? new ByteSize(128 << 10) : ByteSize.FromMebibytes(16);

    /// <summary>From what <c>zfs version</c> answered.</summary>
    /// <exception cref="ZfsFailure"><see cref="StorageError.Unavailable"/>: there is no ZFS behind the command, or one that is too old.</exception>
    internal static ZfsDialect Parse(ChildResult answer)
    {
        if (answer.Error.Contains("unrecognized command 'version'", StringComparison.Ordinal))
            return Fuse;
        // The second line is the kernel module's version, and there is none where it is not loaded.
        var lines = answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (!answer.Succeeded || lines.Length == 0 || Pattern().Match(lines[0]) is not { Success: true } match)
            throw ZfsFailure.Of("zfs version", answer, StorageError.Unavailable);
        var version = new Version(int.Parse(match.Groups[1].ValueSpan, null), int.Parse(match.Groups[2].ValueSpan, null));
        return version >= s_oldest ? new ZfsDialect(version) : throw new ZfsFailure(
            StorageError.Unavailable, "zfs version", $"this host has OpenZFS {version}, and Lamina knows {s_oldest} and later; install a later version");
    }

    /// <summary>For people.</summary>
    public override string ToString() => Version is null ? "zfs-fuse" : $"OpenZFS {Version}";

    [GeneratedRegex(@"\Azfs-(\d{1,4})\.(\d{1,4})", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
