using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>Looks at volumes, pools and orphans at every interval, by what is in memory, and has told what there is to tell.</summary>
internal sealed class ClusterReporter(UsageNotices usage, PoolNotices pools, OrphanNotices orphans, LaminaOptions options, TimeProvider time, ILogger<ClusterReporter> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Cluster.Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look("usage", usage.Look);
            Look("pools", pools.Look);
            Look("orphans", orphans.Look);
        }
    }

    // Volumes must be served whatever is wrong here, and a background service that fails ends the daemon.
    private void Look(string what, Action look)
    {
        try
        {
            look();
        }
        catch (Exception e)
        {
            logger.Unforeseen(what, e);
        }
    }
}
