namespace Lamina.Cluster;

/// <summary>The cluster's part of the daemon.</summary>
internal static class ClusterRegistration
{
    /// <summary>What the doors and the metrics know, whether there is a cluster or not.</summary>
    internal static IServiceCollection AddClusterNotices(this IServiceCollection services) => services
        .AddSingleton<ClusterStanding>()
        .AddSingleton<ClusterNotices>()
        .AddSingleton<PersistentVolumeIndex>()
        .AddSingleton<ClusterSubjects>();

    /// <summary>What speaks with the API server: only where there is one, as nothing else loads its client.</summary>
    internal static IServiceCollection AddCluster(this IServiceCollection services) => services
        .AddSingleton<ClusterApi>()
        .AddSingleton<PersistentVolumeWatcher>()
        .AddSingleton<UsageNotices>()
        .AddSingleton<PoolNotices>()
        .AddSingleton<OrphanNotices>()
        .AddSingleton<PoolSummary>()
        .AddHostedService(provider => provider.GetRequiredService<PersistentVolumeWatcher>())
        .AddHostedService<NoticeSender>()
        .AddHostedService<PoolPublisher>()
        .AddHostedService<ClusterReporter>();
}
