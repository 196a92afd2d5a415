using Grpc.Core;
using Lamina.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

/// <summary>A daemon of another version, which knows less than this one's command line asks for.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeDaemon(WebApplication app) => _app = app;

    internal string Socket { get; private init; } = "";

    /// <summary>It knows snapshots and nothing else, and every one it cuts had a pause of 12.4 ms.</summary>
    internal static Task<FakeDaemon> StartOfSnapshotsAsync() => StartAsync(app => app.MapGrpcService<PausedSnapshots>());

    /// <summary>It has one pool and nothing in it, and does not count its calls.</summary>
    internal static Task<FakeDaemon> StartOfOnePoolAsync() => StartAsync(app =>
    {
        app.MapGrpcService<OnePool>();
        app.MapGrpcService<NoVolumes>();
    });

    private static async Task<FakeDaemon> StartAsync(Action<IEndpointRouteBuilder> map)
    {
        var socket = TestScratch.NewPath("fake.sock");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Services.AddRoutingCore().AddGrpc();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new FakeDaemon(app) { Socket = socket };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private sealed class PausedSnapshots : V1.Snapshots.SnapshotsBase
    {
        public override Task<V1.Snapshot> Create(V1.CreateSnapshotRequest request, ServerCallContext context) =>
            Task.FromResult(new V1.Snapshot { Name = request.Name, PauseSeconds = 0.0124 });
    }

    private sealed class OnePool : V1.Pools.PoolsBase
    {
        public override Task List(V1.ListPoolsRequest request, IServerStreamWriter<V1.Pool> responseStream, ServerCallContext context) =>
            responseStream.WriteAsync(new V1.Pool { Name = "default", Backend = "overlay2", Loaded = true });
    }

    private sealed class NoVolumes : V1.Volumes.VolumesBase
    {
        public override Task List(V1.ListVolumesRequest request, IServerStreamWriter<V1.Volume> responseStream, ServerCallContext context) => Task.CompletedTask;
    }
}
