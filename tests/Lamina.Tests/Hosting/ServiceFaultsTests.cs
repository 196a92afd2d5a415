using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lamina.Tests.Hosting;

/// <summary>A daemon that ends by itself says why, whichever of its services has failed, and does not end as if all were well.</summary>
public sealed class ServiceFaultsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Service_ThatFails_IsLoggedWithAStackTraceWhereItWasUnforeseen(bool isForeseen)
    {
        Exception fault = isForeseen ? new StorageException(StorageError.Unavailable, "the disk is away") : new InvalidOperationException("a mistake of ours");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddFakeLogging().AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.AddHostedService(_ => new Failing(fault));
        using var host = builder.Build();
        var services = ServiceFaults.Services(host);
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(host.LogFaults);
        var log = host.Services.GetFakeLogCollector();

        await host.StartAsync(TestContext.Current.CancellationToken);
        await host.WaitForShutdownAsync(TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(() => log.GetSnapshot().Any(line => line.Level == LogLevel.Critical), "it is logged");
        var line = Assert.Single(log.GetSnapshot(), line => line.Level >= LogLevel.Error);
        Assert.Equal($"The daemon can't go on: Failing failed: {fault.Message}", line.Message);
        Assert.Equal(isForeseen ? null : fault, line.Exception);
        Assert.Equal($"the daemon can't go on: {fault.Message}", Assert.Throws<IOException>(() => ServiceFaults.ThrowIfAny(services)).Message);
    }

    [Fact]
    public async Task Serve_WhoseServiceFails_SaysWhyInOneLineEachAndEndsWithOne()
    {
        await using var daemon = new DaemonProcess();
        // Where a marker of a pause would be, which is read at the start.
        Directory.CreateDirectory(Path.Combine(daemon.RuntimeDirectory, "pauses", "odd.json"));

        daemon.Launch();

        Assert.Equal(1, await daemon.EndAsync());
        Assert.Single(daemon.Faults(), line => line.Contains("crit: ", StringComparison.Ordinal) && line.Contains("The daemon can't go on: PoolLoader failed: ", StringComparison.Ordinal));
        Assert.Single(daemon.Log.Split('\n'), line => line.StartsWith("lamina: the daemon can't go on: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_ThatCantStart_SaysWhyInOneLine()
    {
        await using var daemon = new DaemonProcess();
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(daemon.Root, "state")).FullName, "forgotten-pools");
        await File.WriteAllTextAsync(file, "what is this?\n", TestContext.Current.CancellationToken);

        daemon.Launch();

        Assert.Equal(1, await daemon.EndAsync());
        Assert.StartsWith($"lamina: {file} holds 'what is this?', which is not ", Assert.Single(daemon.Log.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    private sealed class Failing(Exception fault) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw fault;
        }
    }
}
