using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Groups;

/// <summary>Pools on several filesystems, for one daemon with all of them.</summary>
internal sealed class GroupPools(Ext4FileSystem ext4, XfsFileSystem xfs, BtrfsFileSystem btrfs)
{
    /// <summary>A daemon with a pool of each kind: <c>ext4</c>, <c>xfs</c> (both overlay2), <c>btrfs</c>, <c>btrfs2</c>.</summary>
    internal Task<ScratchStorage> StartAsync(params string[] kinds) => ScratchStorage.StartAsync([.. kinds.Select(SettingsOf)]);

    internal static PoolName NameOf(string kind) => IStorageValue<PoolName>.Parse(kind);

    private PoolSettings SettingsOf(string kind) => new()
    {
        Name = NameOf(kind),
        Backend = kind.StartsWith("btrfs", StringComparison.Ordinal) ? PoolBackend.Btrfs : PoolBackend.Overlay2,
        Path = kind switch
        {
            "ext4" or "ext4-2" => ext4.NewDirectory(),
            "xfs" => xfs.NewDirectory(),
            _ => btrfs.NewDirectory(),
        },
        // The tests' machine may be busy with anything; what a pause may take is tested where it is set.
        MaxPause = TimeSpan.FromMinutes(1),
    };
}
