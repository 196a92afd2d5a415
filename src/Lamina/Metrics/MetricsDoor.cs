using Lamina.Hosting;
using Lamina.Storage.Attachments;
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
        var problems = ProblemsOf(context.RequestServices).ToList();
        if (problems.Count == 0)
            return context.Response.WriteAsync("ok\n");
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(string.Concat(problems.Select(problem => $"{problem}\n")));
    }

    private static IEnumerable<string> ProblemsOf(IServiceProvider services)
    {
        if (HostView.FindProblem(services.GetRequiredService<LaminaOptions>().RuntimeDirectory) is { } unseen)
            yield return $"volumes can't be attached: {unseen}";
        var pools = services.GetRequiredService<PoolSet>();
        if (!pools.IsReady)
            yield return "the pools are still being read";
        else
        {
            foreach (var pool in pools.List().Where(pool => pool.Loaded is null))
                yield return $"pool '{pool.Settings.Name}': {pool.Problem}";
        }
    }
}
