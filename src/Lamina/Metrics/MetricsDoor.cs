using Lamina.Hosting;
using Lamina.Storage.Pools;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>Metrics and health over HTTP.</summary>
internal static class MetricsDoor
{
    internal static IServiceCollection AddMetricsDoor(this IServiceCollection services) => services
        .AddSingleton(_ => Prometheus.Metrics.NewCustomRegistry())
        .AddSingleton<OperationMetrics>()
        .AddSingleton<PoolMetrics>();

    internal static void MapMetricsDoor(this IEndpointRouteBuilder endpoints)
    {
        // Asked for here so that its series are there with the first scrape.
        endpoints.ServiceProvider.GetRequiredService<PoolMetrics>();
        endpoints.MapMetrics("/metrics", endpoints.ServiceProvider.GetRequiredService<CollectorRegistry>()).OnListener(Listener.Metrics);
        endpoints.MapGet("/healthz", context => context.Response.WriteAsync("ok\n")).OnListener(Listener.Metrics);
        endpoints.MapGet("/readyz", AnswerReadyAsync).OnListener(Listener.Metrics);
    }

    private static Task AnswerReadyAsync(HttpContext context)
    {
        var pools = context.RequestServices.GetRequiredService<PoolSet>();
        var missing = pools.List().Where(pool => pool.Loaded is null).ToList();
        if (pools.IsReady && missing.Count == 0)
            return context.Response.WriteAsync("ok\n");
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(
            pools.IsReady ? string.Concat(missing.Select(pool => $"pool '{pool.Settings.Name}': {pool.Problem}\n")) : "the pools are still being read\n");
    }
}
