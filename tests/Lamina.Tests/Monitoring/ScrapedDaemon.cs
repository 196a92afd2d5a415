namespace Lamina.Tests.Monitoring;

/// <summary>A daemon of its own for each test of a class, with its metrics on a port of the kernel's choice.</summary>
public abstract class ScrapedDaemon : IAsyncLifetime
{
    private protected ScrapedDaemon(params string[] arguments) => Daemon = new DaemonProcess([.. arguments, "--metrics:address=127.0.0.1:0"]);

    private protected HttpClient Http { get; } = new();

    private protected DaemonProcess Daemon { get; }

    public async ValueTask InitializeAsync()
    {
        await Daemon.StartAsync();
        Http.BaseAddress = await Daemon.MetricsAddressAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Daemon.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
