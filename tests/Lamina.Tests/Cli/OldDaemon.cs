using Grpc.Core;
using Lamina.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

/// <summary>A daemon of an older version, with one pool and nothing in it: it does not count its calls.</summary>
internal sealed class OldDaemon : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OldDaemon(WebApplication app) => _app = app;

    internal string Socket { get; private init; } = "";

    internal static async Task<OldDaemon> StartAsync()
    {
        var socket = TestScratch.NewPath("old.sock");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Services.AddRoutingCore().AddGrpc();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<OnePool>();
        app.MapGrpcService<NoVolumes>();
        await app.StartAsync();
        return new OldDaemon(app) { Socket = socket };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

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
