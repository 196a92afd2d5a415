using Grpc.Core;
using Lamina.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

/// <summary>A daemon of another version: it knows snapshots and nothing else, and every one it cuts had a pause of 12.4 ms.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeDaemon(WebApplication app) => _app = app;

    internal string Socket { get; private init; } = "";

    internal static async Task<FakeDaemon> StartAsync()
    {
        var socket = TestScratch.NewPath("fake.sock");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Services.AddRoutingCore().AddGrpc();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<FakeSnapshots>();
        await app.StartAsync();
        return new FakeDaemon(app) { Socket = socket };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private sealed class FakeSnapshots : V1.Snapshots.SnapshotsBase
    {
        public override Task<V1.Snapshot> Create(V1.CreateSnapshotRequest request, ServerCallContext context) =>
            Task.FromResult(new V1.Snapshot { Name = request.Name, PauseSeconds = 0.0124 });
    }
}
