using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Benchmarks;

/// <summary>
/// The least that a volume driver can be: names in memory, answered at once, on the server that the daemon has too. What an engine makes of it is what
/// there is to be had by any driver that is not part of the engine.
/// </summary>
internal sealed class MemoryDriver : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, JsonObject> _volumes = [];
    private readonly WebApplication _app;
    private int _calls;
    private int _connections;

    private MemoryDriver(string socket)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                Interlocked.Increment(ref _connections);
                return next(connection);
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>How many calls an engine has made.</summary>
    internal int Calls => _calls;

    /// <summary>How many connections it made them over.</summary>
    internal int Connections => _connections;

    /// <summary>Begins to listen.</summary>
    internal static async Task<MemoryDriver> StartAsync(string socket)
    {
        var driver = new MemoryDriver(socket);
        await driver._app.StartAsync();
        return driver;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        // Some calls have no body.
        using var reader = new StreamReader(context.Request.Body);
        var name = (await reader.ReadToEndAsync()) is { Length: > 1 } body ? (string?)JsonNode.Parse(body)?["Name"] ?? "" : "";
        var answer = Answer(context.Request.Path.Value!, name);
        if (answer is null)
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        await context.Response.WriteAsync((answer ?? new JsonObject { ["Err"] = "there is no such volume" }).ToJsonString());
    }

    private JsonObject? Answer(string path, string name)
    {
        switch (path)
        {
            case "/Plugin.Activate":
                return new() { ["Implements"] = new JsonArray("VolumeDriver") };
            case "/VolumeDriver.Capabilities":
                return new() { ["Capabilities"] = new JsonObject { ["Scope"] = "local" } };
            case "/VolumeDriver.Create":
                _volumes[name] = new() { ["Name"] = name, ["Mountpoint"] = "" };
                return new() { ["Err"] = "" };
            case "/VolumeDriver.Remove":
                return _volumes.TryRemove(name, out _) ? new() { ["Err"] = "" } : null;
            case "/VolumeDriver.Get":
                return _volumes.TryGetValue(name, out var volume) ? new() { ["Volume"] = volume.DeepClone(), ["Err"] = "" } : null;
            case "/VolumeDriver.List":
                return new() { ["Volumes"] = new JsonArray([.. _volumes.Values.Select(one => one.DeepClone())]), ["Err"] = "" };
            default:
                return null;
        }
    }
}
