using System.Net;
using System.Net.Sockets;
using Lamina.Admin;
using Lamina.Cluster;
using Lamina.Csi;
using Lamina.Docker;
using Lamina.Metrics;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Console;

namespace Lamina.Hosting;

/// <summary>The daemon: the domain and its front doors in one process.</summary>
internal static class Daemon
{
    /// <summary>Runs the daemon until it is told to stop.</summary>
    /// <param name="arguments">Configuration as arguments, such as <c>--metrics:address=none</c>.</param>
    /// <param name="cancellationToken">Stops it, like SIGTERM does.</param>
    /// <exception cref="ConfigurationException">The configuration is wrong.</exception>
    /// <exception cref="IOException">A socket can't be had, or the daemon could not go on; the log says more.</exception>
    internal static async Task RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        await using var app = Build(arguments);
        // Asked for before the end, after which there is nobody to ask.
        var services = ServiceFaults.Services(app);
        try
        {
            await app.StartAsync(cancellationToken);
            await app.WaitForShutdownAsync(cancellationToken);
        }
        catch when (services.Any(service => service.ExecuteTask is { IsFaulted: true }))
        {
            // One that fails while the others still start ends the start, in whatever way the host happens to notice.
            if (!app.Lifetime.ApplicationStarted.IsCancellationRequested)
                app.LogFaults();
        }
        ServiceFaults.ThrowIfAny(services);
    }

    /// <summary>Builds the daemon without starting it. From here on the runtime directory and the sockets' places are ours, until it is disposed of.</summary>
    /// <exception cref="ConfigurationException">The configuration is wrong.</exception>
    /// <exception cref="IOException">Another daemon is here already.</exception>
    internal static WebApplication Build(string[] arguments)
    {
        var configuration = ConfigurationSources.Load(arguments);
        var (options, pools) = ConfigurationReader.Read(configuration);
        RuntimeLock? runtime = null;
        SocketPlaces? places = null;
        try
        {
            runtime = RuntimeLock.Take(options.RuntimeDirectory);
            places = SocketPlaces.Take([CsiSocket(options), options.Admin.Socket, .. DockerSocket(options)]);
            return Build(configuration, options, pools, runtime, places);
        }
        catch
        {
            places?.Dispose();
            runtime?.Dispose();
            throw;
        }
    }

    private static WebApplication Build(
        IConfigurationRoot configuration, LaminaOptions options, IReadOnlyList<PoolSettings> pools, RuntimeLock runtime, SocketPlaces places)
    {
        // The empty builder brings no configuration, no logging and no server features that we did not choose.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Configuration.AddConfiguration(configuration);
        AddLogging(builder, configuration);
        if (Tracing.IsWanted)
            builder.Services.AddTracing();
        if (ClusterPresence.IsThere(options.Cluster))
            builder.Services.AddCluster();
        builder.Host.UseSystemd();
        builder.Services
            .AddSingleton(_ => runtime)
            .AddSingleton(_ => places)
            .AddSingleton<ReadyNotifier>()
            .AddSingleton<ISystemdNotifier>(provider => provider.GetRequiredService<ReadyNotifier>())
            .AddSingleton(options)
            .AddSingleton(pools)
            .AddStorage(options)
            .AddRoutingCore()
            .AddCsiDoor()
            .AddAdminDoor()
            .AddDockerDoor()
            .AddMetricsDoor()
            .AddClusterNotices()
            .AddHostedService<PoolLoader>()
            .AddHostedService<MemoryReturn>()
            .Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = BindSocket)
            .Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, options));

        var app = builder.Build();
        // What is asked for first is disposed of last.
        app.Services.GetRequiredService<RuntimeLock>();
        app.Services.GetRequiredService<SocketPlaces>();
        app.UseRouting();
        app.UseListenerIsolation();
        app.MapCsiDoor();
        app.MapAdminDoor();
        if (options.Docker.Enabled)
            app.MapDockerDoor();
        app.MapMetricsDoor();
        app.Lifetime.ApplicationStarted.Register(() => Started(app, options, places));
        app.Lifetime.ApplicationStarted.Register(app.LogFaults);
        return app;
    }

    private static void AddLogging(WebApplicationBuilder builder, IConfiguration configuration)
    {
        builder.Logging.AddConfiguration(configuration.GetSection("logging"));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning)
            // What it has to say, mostly stack traces, is said by ServiceFaults and in one line where the daemon ends.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None).AddFilter("Grpc", LogLevel.Warning);
        // It would begin a span of its own around each call that nobody records, and ours, being beneath it, would not be recorded either.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        var formatter = configuration["logging:format"] switch
        {
            null or "text" => CallFormatter.FormatterName,
            "json" => ConsoleFormatterNames.Json,
            var other => throw new ConfigurationException([$"logging:format is '{other}'; it is text or json"]),
        };
        builder.Logging.AddConsoleFormatter<CallFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddJsonConsole(console =>
        {
            console.IncludeScopes = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            console.UseUtcTimestamp = true;
        });
        // Last, as the systemd integration would choose a format of its own.
        builder.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName = formatter);
    }

    private static void Listen(KestrelServerOptions kestrel, LaminaOptions options)
    {
        kestrel.AddServerHeader = false;
        // Docker keeps its connections, and repeats what it sends just when we end one without saying what it was.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromHours(12);
        ListenUnix(kestrel, CsiSocket(options), Listener.Csi);
        ListenUnix(kestrel, options.Admin.Socket, Listener.Admin);
        foreach (var socket in DockerSocket(options))
            ListenUnix(kestrel, socket, Listener.Docker, HttpProtocols.Http1);
        if (ListenAddress.TryParseTcp(options.Metrics.Address, out var endpoint) && endpoint is not null)
            kestrel.Listen(endpoint, listen => listen.Tag(Listener.Metrics));
    }

    private static void ListenUnix(KestrelServerOptions kestrel, string path, Listener listener, HttpProtocols protocols = HttpProtocols.Http2) =>
        kestrel.ListenUnixSocket(path, listen =>
        {
            listen.Protocols = protocols;
            listen.Tag(listener);
        });

    private static Socket BindSocket(EndPoint endpoint)
    {
        try
        {
            return endpoint is UnixDomainSocketEndPoint unix ? SocketPlaces.Bind(unix) : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException e)
        {
            throw new IOException(
                endpoint is IPEndPoint ? $"metrics:address is '{endpoint}', where nobody can listen now: {e.Message}; choose another one, or none" : $"no socket can be made at {endpoint}: {e.Message}", e);
        }
    }

    private static void Started(WebApplication app, LaminaOptions options, SocketPlaces places)
    {
        places.Dispose();
        // With the port that was taken, where the kernel was to choose one.
        var metrics = app.Urls.FirstOrDefault(url => !url.Contains("://unix:", StringComparison.Ordinal)) ?? "nothing";
        app.Logger.Listening(options.Csi.Endpoint, options.Admin.Socket, metrics);
        if (options.Docker.Enabled)
            app.Logger.ListeningForDocker(options.Docker.Socket);
        if (HostView.FindProblem(options.RuntimeDirectory) is { } unseen)
            app.Logger.MountsUnseen(unseen, HostView.Advice);
    }

    // Of sockets there is one or none, as the door is open or not.
    private static IReadOnlyList<string> DockerSocket(LaminaOptions options) => options.Docker.Enabled ? [options.Docker.Socket] : [];

    private static string CsiSocket(LaminaOptions options)
    {
        ListenAddress.TryParseUnix(options.Csi.Endpoint, out var path);
        return path;
    }
}
