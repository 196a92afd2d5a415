namespace Lamina.Metrics;

/// <summary>Every metric that there is.</summary>
internal static class Families
{
    internal static IEnumerable<Family> All =>
    [
        .. HostFamilies.All,
        PoolFamilies.Info,
        .. PoolFamilies.All.Select(pool => pool.Family),
        PoolFamilies.DeviceErrors,
        PoolFamilies.ZfsState,
        .. VolumeFamilies.All.Select(volume => volume.Family),
        .. ClusterFamilies.All,
        .. CallFamilies.All,
    ];
}
