using Lamina.Linux;
using Lamina.Storage;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Lamina.Hosting;

/// <summary>
/// Sends the spans of calls and steps to a collector, by OTLP, where OpenTelemetry's own variables say so. Where they do not, none of its code is loaded: it would take
/// memory from everybody.
/// </summary>
internal static class Tracing
{
    /// <summary>Whether there is somewhere to send them.</summary>
    internal static bool IsWanted => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"));

    /// <summary>Adds what sends them.</summary>
    internal static IServiceCollection AddTracing(this IServiceCollection services) => services
        .AddSingleton(_ => Sdk.CreateTracerProviderBuilder()
            .AddSource(StorageTrace.SourceName, LinuxTrace.SourceName)
            .ConfigureResource(resource => resource.AddService("lamina", serviceVersion: LaminaVersion.Text))
            .AddOtlpExporter()
            .Build())
        .AddHostedService<TracingService>();

    // Made when the daemon starts; what was not sent yet is when it is disposed of.
    private sealed class TracingService(TracerProvider provider) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            provider.ForceFlush(5000);
            return Task.CompletedTask;
        }
    }
}
