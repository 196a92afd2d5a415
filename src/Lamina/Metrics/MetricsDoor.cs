using Lamina.Hosting;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Prometheus;

namespace Lamina.Metrics;

/// <summary>Metrics and health over HTTP.</summary>
internal static class MetricsDoor
{
    // The registry is our own: the default one would bring adapters for everything that .NET itself counts.
    internal static IServiceCollection AddMetricsDoor(this IServiceCollection services) => services
        .AddSingleton(_ => Prometheus.Metrics.NewCustomRegistry())
        .AddSingleton<OperationMetrics>()
        .AddSingleton<StepMetrics>()
        .AddSingleton<StateSampler>()
        .AddHostedService(provider => provider.GetRequiredService<StateSampler>())
        .AddSingleton<StateExposition>();

    internal static void MapMetricsDoor(this IEndpointRouteBuilder endpoints)
    {
        // Asked for here so that they are there with the first scrape.
        endpoints.ServiceProvider.GetRequiredService<OperationMetrics>();
        endpoints.ServiceProvider.GetRequiredService<StepMetrics>();
        var state = endpoints.ServiceProvider.GetRequiredService<StateExposition>();
        var registry = endpoints.ServiceProvider.GetRequiredService<CollectorRegistry>();
        endpoints.MapGet("/metrics", context => AnswerMetricsAsync(context, registry, state)).OnListener(Listener.Metrics);
        endpoints.MapGet("/healthz", context => context.Response.WriteAsync("ok\n")).OnListener(Listener.Metrics);
        endpoints.MapGet("/readyz", AnswerReadyAsync).OnListener(Listener.Metrics);
    }

    // First what happened, which is counted as it happens, then how things are.
    private static async Task AnswerMetricsAsync(HttpContext context, CollectorRegistry registry, StateExposition state)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await registry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
        await state.WriteAsync(context.Response.BodyWriter, context.RequestAborted);
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
