using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lamina.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Lamina.Tests.Cluster;

/// <summary>
/// An API server in little, over real HTTP: objects with versions and finalizers, lists in pages, watches with bookmarks, and whatever can go wrong with each. It lets
/// the daemon do what the shipped roles allow and nothing else, lets nobody in whom it does not know, and remembers all that was asked.
/// </summary>
internal sealed partial class FakeApiServer : IAsyncDisposable
{
    private const string AdminToken = "admin";

    // What a controller sees to, and here nobody does.
    private static readonly Dictionary<string, string> s_protections = new()
    {
        ["persistentvolumes"] = "kubernetes.io/pv-protection", ["persistentvolumeclaims"] = "kubernetes.io/pvc-protection",
    };

    private static readonly Dictionary<string, string> s_kinds = new()
    {
        ["persistentvolumes"] = "PersistentVolume", ["persistentvolumeclaims"] = "PersistentVolumeClaim", ["events"] = "Event", ["configmaps"] = "ConfigMap",
        ["volumesnapshots"] = "VolumeSnapshot", ["namespaces"] = "Namespace", ["nodes"] = "Node",
    };

    private readonly ServerIdentity? _identity;
    private readonly DaemonRules _rules = new();
    private readonly ConcurrentDictionary<string, (List<JsonObject> Items, long Revision)> _pages = [];
    private WebApplication? _app;
    private CancellationTokenSource _away = new();
    private CancellationTokenSource _watches = new();
    private WatchEnd _watchEnd;
    private long _watched;
    private int _port;
    private int _held;
    private int _strangers;

    private FakeApiServer(ServerIdentity? identity) => _identity = identity;

    /// <summary>Its objects.</summary>
    internal ApiStore Store { get; } = new();

    /// <summary>All that the daemon has asked.</summary>
    internal ConcurrentQueue<ApiRequest> Requests { get; } = [];

    /// <summary>The daemon's token. Who has another one is told that nobody knows it.</summary>
    internal string Token { get; set; } = "daemon";

    /// <summary>How many requests had a token that nobody knows, or none.</summary>
    internal int Strangers => Volatile.Read(ref _strangers);

    /// <summary>What of it no role allows.</summary>
    internal ConcurrentQueue<ApiRequest> Forbidden { get; } = [];

    /// <summary>What goes wrong with which request of the daemon.</summary>
    internal Func<ApiRequest, ApiFault?> Fault { get; set; } = _ => null;

    /// <summary>So many requests wait for an answer that never comes.</summary>
    internal int Held => Volatile.Read(ref _held);

    /// <summary>The most objects of a page, whatever is asked for.</summary>
    internal int MaxPage { get; set; } = int.MaxValue;

    /// <summary>All that the roles allow.</summary>
    internal IEnumerable<string> Allowed => _rules.All;

    /// <summary>Whether there is a request that was asked as often.</summary>
    internal int Count(string verb, string resource) => Requests.Count(request => request.Verb == verb && request.Resource == resource);

    /// <summary>Where it listens, on the loopback address.</summary>
    internal int Port => _port;

    /// <param name="identity">What it shows who it is by, over HTTPS; null: it speaks HTTP.</param>
    internal static async Task<FakeApiServer> StartAsync(ServerIdentity? identity = null)
    {
        var server = new FakeApiServer(identity);
        await server.ComeBackAsync();
        return server;
    }

    /// <summary>A kubeconfig of the daemon's account, or of one that may do all.</summary>
    internal string Kubeconfig(bool isAdmin) => Kubeconfig($"token: {(isAdmin ? AdminToken : Token)}");

    /// <summary>A kubeconfig of a user as it says.</summary>
    /// <param name="user">How the user is known, such as <c>token: a</c>.</param>
    /// <param name="cluster">What is said of the cluster besides its address.</param>
    internal string Kubeconfig(string user, string cluster = "")
    {
        var file = TestScratch.NewPath("kubeconfig");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $$"""
            apiVersion: v1
            kind: Config
            current-context: fake
            clusters: [{ name: fake, cluster: { server: "http://127.0.0.1:{{_port}}"{{cluster}} } }]
            users: [{ name: fake, user: { {{user}} } }]
            contexts: [{ name: fake, context: { cluster: fake, user: fake } }]
            """));
        return file;
    }

    /// <summary>It is not there any more: connections are cut, and new ones refused.</summary>
    internal async Task GoAwayAsync()
    {
        if (_app is not { } app)
            return;
        _app = null;
        await _away.CancelAsync();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    /// <summary>It is there, with all that it had, at the same address.</summary>
    internal async Task ComeBackAsync()
    {
        _away = new CancellationTokenSource();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port, listen =>
        {
            if (_identity is not null)
                listen.UseHttps(_identity.Certificate);
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        _port = new Uri(_app.Urls.Single()).Port;
    }

    /// <summary>The last version that a watch was told of.</summary>
    internal long Watched => Interlocked.Read(ref _watched);

    /// <summary>Ends all watches.</summary>
    internal async Task EndWatchesAsync(WatchEnd how)
    {
        var watches = _watches;
        (_watchEnd, _watches) = (how, new CancellationTokenSource());
        await watches.CancelAsync();
    }

    public async ValueTask DisposeAsync() => await GoAwayAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = ApiRequest.Read(context.Request);
        var fault = null as ApiFault;
        if (context.Request.Headers.Authorization != $"Bearer {AdminToken}")
        {
            if (context.Request.Headers.Authorization != $"Bearer {Token}")
            {
                Interlocked.Increment(ref _strangers);
                await RefuseAsync(context, 401, "Unauthorized", "Unauthorized");
                return;
            }
            Requests.Enqueue(request);
            if (!_rules.Allow(request))
            {
                Forbidden.Enqueue(request);
                await RefuseAsync(context, 403, "Forbidden", $"no role allows {request}");
                return;
            }
            fault = Fault(request);
        }
        switch (fault)
        {
            case ApiFault.Refuse refuse:
                if (refuse.RetryAfter is { } seconds)
                    context.Response.Headers.RetryAfter = ApiStore.Text(seconds);
                await RefuseAsync(context, refuse.Code, refuse.Code == 410 ? "Expired" : "Refused", "by the test");
                break;
            case ApiFault.Hang:
                await HangAsync(context);
                break;
            default:
                await AnswerAsync(context, request, fault is ApiFault.Cut);
                break;
        }
    }

    private async Task HangAsync(HttpContext context)
    {
        Interlocked.Increment(ref _held);
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _away.Token);
            await Task.Delay(Timeout.Infinite, end.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _held);
        }
    }

    private Task AnswerAsync(HttpContext context, ApiRequest request, bool cut) => request.Verb switch
    {
        "watch" => WatchAsync(context, request),
        "list" => ListAsync(context, request, cut),
        "get" => Store.Find(request.Collection, request.Namespace, request.Name) is { } found ? WriteAsync(context, 200, found, cut) : RefuseAsync(context, 404, "NotFound", $"{request.Resource} \"{request.Name}\" not found"),
        "create" => CreateAsync(context, request, cut),
        "patch" => PatchAsync(context, request, cut),
        "delete" => Store.Delete(request.Collection, request.Namespace, request.Name) is { } gone ? WriteAsync(context, 200, gone, cut) : RefuseAsync(context, 404, "NotFound", ""),
        _ => RefuseAsync(context, 405, "MethodNotAllowed", request.ToString()),
    };

    // The pages of a list are of one moment, as the real ones are.
    private Task ListAsync(HttpContext context, ApiRequest request, bool cut)
    {
        var size = Math.Min(MaxPage, int.TryParse(context.Request.Query["limit"], CultureInfo.InvariantCulture, out var limit) && limit > 0 ? limit : int.MaxValue);
        (List<JsonObject> Items, long Revision) page = Store.List(request.Collection, request.Namespace);
        if (request.Continues && !_pages.TryRemove(context.Request.Query["continue"]!, out page))
            return RefuseAsync(context, 410, "Expired", "the continue token is unknown");
        var metadata = new JsonObject { ["resourceVersion"] = ApiStore.Text(page.Revision) };
        if (page.Items.Count > size)
        {
            var token = Guid.NewGuid().ToString();
            _pages[token] = ([.. page.Items.Skip(size)], page.Revision);
            metadata["continue"] = token;
        }
        return WriteAsync(context, 200, new JsonObject
        {
            ["kind"] = s_kinds[request.Resource] + "List", ["apiVersion"] = ApiVersionOf(request), ["metadata"] = metadata,
            ["items"] = new JsonArray([.. page.Items.Take(size)]),
        }, cut);
    }

    private async Task WatchAsync(HttpContext context, ApiRequest request)
    {
        var at = long.Parse(context.Request.Query["resourceVersion"]!, CultureInfo.InvariantCulture);
        if (Store.HasForgotten(at))
        {
            await RefuseAsync(context, 410, "Expired", "too old resource version");
            return;
        }
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _away.Token, _watches.Token);
        context.Response.ContentType = "application/json";
        await context.Response.Body.FlushAsync();
        while (true)
        {
            var (changes, more) = Store.After(at, request.Collection);
            foreach (var change in changes)
            {
                await context.Response.WriteAsync(new JsonObject { ["type"] = change.Type, ["object"] = change.Object.DeepClone() }.ToJsonString() + "\n");
                at = change.Revision;
            }
            await context.Response.Body.FlushAsync();
            Interlocked.Exchange(ref _watched, at);
            await more.WaitAsync(end.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (!end.IsCancellationRequested)
                continue;
            if (_watchEnd == WatchEnd.Cut || _away.IsCancellationRequested)
                context.Abort();
            else if (_watchEnd == WatchEnd.Expire)
                await context.Response.WriteAsync(new JsonObject { ["type"] = "ERROR", ["object"] = Status(410, "Expired", "too old resource version") }.ToJsonString() + "\n");
            return;
        }
    }

    private async Task CreateAsync(HttpContext context, ApiRequest request, bool cut)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var name = (string?)body["metadata"]?["name"] ?? "";
        if (ProblemOf(request, body, name) is { } problem)
        {
            await RefuseAsync(context, 422, "Invalid", problem);
            return;
        }
        if (s_protections.TryGetValue(request.Resource, out var protection))
            body["metadata"]!["finalizers"] = new JsonArray((JsonNode)protection);
        body["kind"] = s_kinds[request.Resource];
        body["apiVersion"] = ApiVersionOf(request);
        var made = Store.Put(request.Collection, request.Namespace, name, before => before is null ? body : null);
        await (made is null ? RefuseAsync(context, 409, "AlreadyExists", $"{request.Resource} \"{name}\" already exists") : WriteAsync(context, 201, made, cut));
    }

    private async Task PatchAsync(HttpContext context, ApiRequest request, bool cut)
    {
        var patch = await JsonNode.ParseAsync(context.Request.Body);
        var isMerge = context.Request.ContentType!.StartsWith("application/merge-patch+json", StringComparison.Ordinal);
        var after = Store.Put(request.Collection, request.Namespace, request.Name, before => before is null ? null : isMerge ? Merge(before, patch!.AsObject()) : Apply(before, patch!.AsArray()));
        await (after is null ? RefuseAsync(context, 404, "NotFound", $"{request.Resource} \"{request.Name}\" not found") : WriteAsync(context, 200, after, cut));
    }

    private static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null)
                target.Remove(key);
            else
                target[key] = value is JsonObject inner && target[key] is JsonObject there ? Merge(there.DeepClone().AsObject(), inner) : value.DeepClone();
        }
        return target;
    }

    private static JsonObject Apply(JsonObject target, JsonArray patch)
    {
        foreach (var step in patch)
        {
            Assert.Equal("add", (string?)step!["op"]);
            var names = ((string)step["path"]!)[1..].Split('/');
            names[..^1].Aggregate(target, (inner, name) => inner[name]!.AsObject())[names[^1]] = step["value"]!.DeepClone();
        }
        return target;
    }

    // What a real one refuses, as far as it may concern us.
    private static string? ProblemOf(ApiRequest request, JsonObject body, string name)
    {
        if (!Subdomain().IsMatch(name) || name.Length > 253)
            return $"metadata.name: '{name}' is no DNS subdomain";
        if (body["metadata"]?["namespace"] is { } told && (string?)told != request.Namespace)
            return "the namespace of the object is not that of the request";
        if (request.Resource == "events" && ((string?)body["involvedObject"]?["namespace"] ?? "default") != request.Namespace)
            return "involvedObject.namespace does not match the event's";
        if (request.Resource == "configmaps" && (body["data"]!.AsObject().Any(pair => !Key().IsMatch(pair.Key)) || body.ToJsonString().Length > 1 << 20))
            return "data: a key that can't be, or too much";
        return null;
    }

    private static string ApiVersionOf(ApiRequest request) => request.Group.Length == 0 ? "v1" : $"{request.Group}/v1";

    private static JsonObject Status(int code, string reason, string message) => new()
    {
        ["kind"] = "Status", ["apiVersion"] = "v1", ["status"] = "Failure", ["reason"] = reason, ["message"] = message, ["code"] = code,
    };

    private static Task RefuseAsync(HttpContext context, int code, string reason, string message) => WriteAsync(context, code, Status(code, reason, message), cut: false);

    private static async Task WriteAsync(HttpContext context, int code, JsonObject body, bool cut)
    {
        var text = body.ToJsonString();
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(cut ? text[..(text.Length / 2)] : text);
        await context.Response.Body.FlushAsync();
        if (cut)
            context.Abort();
    }

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex Subdomain();

    [GeneratedRegex(@"\A[-._a-zA-Z0-9]{1,253}\z")]
    private static partial Regex Key();
}
