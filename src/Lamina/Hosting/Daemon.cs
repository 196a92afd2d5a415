using Lamina.Admin;
using Lamina.Csi;
using Lamina.Metrics;
using Lamina.Storage.Pools;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;

namespace Lamina.Hosting;

/// <summary>The daemon: the domain and its front doors in one process.</summary>
internal static class Daemon
{
    /// <summary>Runs the daemon until it is told to stop.</summary>
    /// <param name="arguments">Configuration as arguments, such as <c>--metrics:address=none</c>.</param>
    /// <param name="cancellationToken">Stops it, like SIGTERM does.</param>
    /// <exception cref="ConfigurationException">The configuration is wrong.</exception>
    /// <exception cref="IOException">A socket can't be had.</exception>
    internal static async Task RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        await using var app = Build(arguments);
        await app.RunAsync(cancellationToken);
    }

    /// <summary>Builds the daemon without starting it.</summary>
    /// <exception cref="ConfigurationException">The configuration is wrong.</exception>
    internal static WebApplication Build(string[] arguments)
    {
        var configuration = ConfigurationReader.Load(arguments);
        var (options, pools) = ConfigurationReader.Read(configuration);

        // The empty builder brings no configuration, no logging and no server features that we did not choose.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Configuration.AddConfiguration(configuration);
        AddLogging(builder, configuration);
        builder.Host.UseSystemd();
        builder.Services
            .AddSingleton(options)
            .AddSingleton<IReadOnlyList<PoolSettings>>(pools)
            .AddStorage(options)
            .AddRoutingCore()
            .AddCsiDoor()
            .AddAdminDoor()
            .AddMetricsDoor()
            .AddHostedService<PoolLoader>()
            .AddHostedService<MemoryReturn>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, options));

        var app = builder.Build();
        app.UseRouting();
        app.UseListenerIsolation();
        app.MapCsiDoor();
        app.MapAdminDoor();
        app.MapMetricsDoor();
        app.Lifetime.ApplicationStarted.Register(() => Started(app, options));
        return app;
    }

    private static void AddLogging(WebApplicationBuilder builder, IConfiguration configuration)
    {
        builder.Logging.AddConfiguration(configuration.GetSection("logging"));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
    }

    private static void Listen(KestrelServerOptions kestrel, LaminaOptions options)
    {
        kestrel.AddServerHeader = false;
        ListenUnix(kestrel, CsiSocket(options), Listener.Csi);
        ListenUnix(kestrel, options.Admin.Socket, Listener.Admin);
        if (ListenAddress.TryParseTcp(options.Metrics.Address, out var endpoint) && endpoint is not null)
            kestrel.Listen(endpoint, listen => listen.Tag(Listener.Metrics));
    }

    private static void ListenUnix(KestrelServerOptions kestrel, string path, Listener listener)
    {
        UnixSocket.Prepare(path);
        kestrel.ListenUnixSocket(path, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Tag(listener);
        });
    }

    private static void Started(WebApplication app, LaminaOptions options)
    {
        UnixSocket.Protect(CsiSocket(options));
        UnixSocket.Protect(options.Admin.Socket);
        app.Logger.Listening(options.Csi.Endpoint, options.Admin.Socket, options.Metrics.Address);
    }

    private static string CsiSocket(LaminaOptions options)
    {
        ListenAddress.TryParseUnix(options.Csi.Endpoint, out var path);
        return path;
    }
}
