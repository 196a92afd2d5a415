using Lamina.Linux;
using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>
/// Says why a daemon ends by itself. The host stops when a background service fails; what it has to say of that, and of a start that failed, is a
/// stack trace in its own words, so its category is silent and this speaks in its place.
/// </summary>
internal static class ServiceFaults
{
    /// <summary>Has each service's failure logged at once, one line where it could be foreseen, else with the stack trace.</summary>
    internal static void LogFaults(this IHost host)
    {
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ServiceFaults));
        foreach (var service in Services(host))
        {
            // With the failure itself, as the end comes soon after.
            _ = service.ExecuteTask?.ContinueWith(
                task => Log(logger, service, task.Exception!.GetBaseException()),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    /// <summary>Throws when the host has ended because a service failed, which the host itself takes for a good end.</summary>
    /// <exception cref="IOException">It has.</exception>
    internal static void ThrowIfAny(IReadOnlyList<BackgroundService> services)
    {
        if (services.Select(service => service.ExecuteTask?.Exception?.GetBaseException()).OfType<Exception>().FirstOrDefault() is { } fault)
            throw new IOException($"the daemon can't go on: {fault.Message}", fault);
    }

    /// <summary>The services that run as long as the host.</summary>
    internal static IReadOnlyList<BackgroundService> Services(IHost host) => [.. host.Services.GetServices<IHostedService>().OfType<BackgroundService>()];

    private static void Log(ILogger logger, BackgroundService service, Exception fault) =>
        logger.CannotGoOn(service.GetType().Name, fault.Message, fault is StorageException or LinuxException or IOException or UnauthorizedAccessException ? null : fault);
}
