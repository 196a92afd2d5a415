using System.Globalization;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Docker;

/// <summary>A daemon as a process of its own that the engines of this host find by the name of its driver.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private EngineHost(params string[] arguments) => Daemon = new DaemonProcess(["--docker", $"--docker:socket={Socket}", .. arguments]);

    /// <summary>The driver's name. One for all: Docker asks every driver that it ever had about each new name, and waits long for those that are gone.</summary>
    internal string Driver { get; } = string.Create(CultureInfo.InvariantCulture, $"lamina-{Environment.ProcessId}");

    /// <summary>Where Docker looks for it.</summary>
    internal string Socket => $"/run/docker/plugins/{Driver}.sock";

    /// <summary>The daemon.</summary>
    internal DaemonProcess Daemon { get; }

    /// <summary>Starts one with an overlay2 pool.</summary>
    internal static async Task<EngineHost> StartAsync(params string[] arguments)
    {
        var host = new EngineHost([.. CsiPools.Overlay("default"), .. arguments]);
        await host.Daemon.StartAsync();
        return host;
    }

    /// <summary>Runs <c>lamina</c>, which must succeed.</summary>
    internal async Task<string> OkAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.True(run.ExitCode == 0, $"lamina {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        return run.Out.TrimEnd('\n');
    }

    /// <summary>Runs <c>lamina</c>.</summary>
    internal Task<CliRun> RunAsync(params string[] arguments) => CliRun.RunAsync(CliRun.HostOf(Daemon.AdminSocket), arguments);

    /// <summary>Where a volume is mounted; null when it is not.</summary>
    internal async Task<string?> PathOfAsync(string volume) => (string?)(await RunAsync("volume", "inspect", volume, "-o", "json")).Json["path"];

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        File.Delete(Socket);
    }
}
