using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>How a pool whose sizes are advisory gets hard limits, by what it lies on.</summary>
internal static class HardLimitAdvice
{
    private const string OfItsOwn = "Or give each volume a filesystem of its own, which is as large as the volume: lamina volume create --fs ext4";

    /// <summary>What to do; null where nothing helps or nothing is missing.</summary>
    internal static string? For(LoadedPool pool)
    {
        var description = pool.Pool.Description;
        if (description.Features.HasFlag(PoolFeatures.HardLimits) || description.Features.HasFlag(PoolFeatures.HostDirectories))
            return null;
        var path = pool.Settings.Path;
        return (pool.Settings.Backend, description.FileSystem) switch
        {
            (PoolBackend.Btrfs, _) =>
                $"set \"quota\": \"simple\" of pool '{pool.Name}' in the configuration and restart the daemon; it needs Linux 6.7 (older kernels can't mount the filesystem afterwards), "
                + $"and classic quotas off before: btrfs quota disable {path}",
            (_, "ext4") =>
                $"with the daemon stopped and the filesystem unmounted: tune2fs -O project,quota $(findmnt -nvo SOURCE -T {path}), then mount it with -o prjquota, in /etc/fstab too; "
                + $"it needs a kernel with CONFIG_QUOTA. {OfItsOwn}",
            (_, "xfs") => $"mount the filesystem of {path} with -o prjquota, in /etc/fstab too (it can't be remounted so; for the root filesystem boot with rootflags=prjquota). {OfItsOwn}",
            (_, "btrfs") => $"a btrfs pool has them: lamina pool init NAME --backend btrfs --path DIRECTORY on this filesystem, with \"quota\": \"simple\" in its configuration. {OfItsOwn}",
            _ => "only ext4, XFS and Btrfs have them: make a pool on one of these, or a btrfs pool in an image: lamina pool init NAME --backend btrfs --image FILE --image-size 50Gi",
        };
    }
}
