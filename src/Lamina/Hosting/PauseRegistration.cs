using Lamina.Storage.Pauses;

namespace Lamina.Hosting;

/// <summary>What stops the writers of volumes in use, with the process that lets them go should the daemon die meanwhile.</summary>
internal static class PauseRegistration
{
    /// <summary>The sub-command that the watcher is started with. It is not for people, so the help does not show it.</summary>
    internal const string Command = "watch-pauses";

    internal static IServiceCollection AddPauses(this IServiceCollection services, LaminaOptions options) => services
        .AddSingleton(provider => new PauseWatcherProcess(
            // The executable beside this assembly, whatever program has loaded it.
            Path.Combine(AppContext.BaseDirectory, "lamina"),
            [Command, options.RuntimeDirectory],
            provider.GetRequiredService<ILogger<PauseWatcherProcess>>()))
        .AddSingleton(provider => new WriterPauses(
            options.RuntimeDirectory,
            provider.GetRequiredService<PauseWatcherProcess>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<WriterPauses>>()));
}
