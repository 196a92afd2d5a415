using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Exceptions;
using k8s.Models;
using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>
/// The requests that we make to the API server, and no others: <c>templates/rbac-daemon.yaml</c> of the chart allows just these. None deletes anything. Each ends
/// within half a minute, whatever the server does, but the watch, which has a bound of its own.
/// </summary>
internal sealed class ClusterApi(LaminaOptions options, TimeProvider time) : IDisposable
{
    /// <summary>So many objects are asked for at once.</summary>
    internal const int PageSize = 500;

    private const int MaxRefusal = 16 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // A server sends a bookmark every minute.
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(4);
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private Kubernetes? _client;
    private string? _namespace;
    private string? _serverName;

    /// <summary>The namespace of what is ours alone; known after the first request.</summary>
    internal string Namespace => _namespace ?? throw new InvalidOperationException("nothing was asked yet");

    /// <summary>One page of all PersistentVolumes.</summary>
    internal Task<V1PersistentVolumeList> ListPersistentVolumesAsync(string? next, CancellationToken cancellationToken) => AskAsync(
        (client, cancel) => client.CoreV1.ListPersistentVolumeAsync(continueParameter: next, limit: PageSize, cancellationToken: cancel), cancellationToken);

    /// <summary>What happens to PersistentVolumes from a version on, until the server ends it, or is silent for so long that it may be gone.</summary>
    /// <param name="version">The version.</param>
    /// <param name="duration">When the server is to end it.</param>
    /// <param name="begun">Called when the server has begun to answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async IAsyncEnumerable<(WatchEventType Type, V1PersistentVolume Object)> WatchPersistentVolumesAsync(
        string version, TimeSpan duration, Action begun, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Not by the client's own: that tells of the answer only when something has happened.
        using var patience = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var client = await ConnectAsync(end.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(client.BaseUri, string.Create(CultureInfo.InvariantCulture,
            $"api/v1/persistentvolumes?watch=true&allowWatchBookmarks=true&resourceVersion={Uri.EscapeDataString(version)}&timeoutSeconds={(int)duration.TotalSeconds}")));
        // In all else as the client itself asks.
        request.Version = HttpVersion.Version20;
        request.Headers.Host = _serverName;
        if (client.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, end.Token);
        using var response = await client.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end.Token);
        if (!response.IsSuccessStatusCode)
            throw Heed(client, new HttpOperationException("it says no more") { Response = new HttpResponseMessageWrapper(response, await ReadRefusalAsync(response, end.Token)) });
        begun();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(end.Token));
        var began = time.GetTimestamp();
        // A connection that died silently must not look like a cluster where nothing happens, and a server that ends no watch is not followed for ever.
        while (duration + Limit - time.GetElapsedTime(began) is var left && left > TimeSpan.Zero)
        {
            patience.CancelAfter(left < Silence ? left : Silence);
            if (await ReadLineAsync(reader, end.Token, cancellationToken) is not { } line)
                break;
            yield return Parse(line);
        }
    }

    /// <summary>The uid of a claim or VolumeSnapshot; null when there is none of that name.</summary>
    internal async Task<string?> FindUidAsync(ClusterObject subject, CancellationToken cancellationToken)
    {
        try
        {
            return subject.Kind switch
            {
                "PersistentVolumeClaim" => (await AskAsync(
                    (client, cancel) => client.CoreV1.ReadNamespacedPersistentVolumeClaimAsync(subject.Name, subject.Namespace, cancellationToken: cancel), cancellationToken)).Metadata.Uid,
                "VolumeSnapshot" => UidIn(await AskAsync((client, cancel) => client.CustomObjects.GetNamespacedCustomObjectAsync<JsonElement>(
                    ClusterObject.SnapshotGroup, ClusterObject.SnapshotVersion, subject.Namespace, "volumesnapshots", subject.Name, cancel), cancellationToken)),
                _ => throw new InvalidOperationException($"nobody asks for a {subject.Kind}"),
            };
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The uid of a node; null when there is none of that name, or nobody lets us ask.</summary>
    internal async Task<string?> FindNodeUidAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await AskAsync((client, cancel) => client.CoreV1.ReadNodeAsync(name, cancellationToken: cancel), cancellationToken)).Metadata.Uid;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    /// <summary>Makes an event.</summary>
    /// <returns>False: there is one of that name.</returns>
    internal async Task<bool> TryCreateEventAsync(Corev1Event @event, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync((client, cancel) => client.CoreV1.CreateNamespacedEventAsync(@event, @event.Metadata.NamespaceProperty, cancellationToken: cancel), cancellationToken);
            return true;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }
    }

    /// <summary>Changes an event.</summary>
    /// <returns>The event as it is then; null: there is none.</returns>
    internal async Task<Corev1Event?> TryPatchEventAsync(string @namespace, string name, JsonObject change, CancellationToken cancellationToken)
    {
        try
        {
            var patch = new V1Patch(change.ToJsonString(), V1Patch.PatchType.MergePatch);
            return await AskAsync((client, cancel) => client.CoreV1.PatchNamespacedEventAsync(patch, name, @namespace, cancellationToken: cancel), cancellationToken);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Makes a ConfigMap of our namespace what it should be, whether it is there or not. It is never read.</summary>
    internal async Task PutConfigMapAsync(V1ConfigMap map, CancellationToken cancellationToken)
    {
        // The whole of the data at once, so that what is in it no more goes; and all else that is ours, as an earlier version may have made it.
        var change = new JsonArray(Add("/metadata/labels", map.Metadata.Labels), Add("/data", map.Data));
        if (map.Metadata.OwnerReferences is { } owners)
            change.Add(Add("/metadata/ownerReferences", owners));
        var patch = new V1Patch(change.ToJsonString(), V1Patch.PatchType.JsonPatch);
        try
        {
            await AskAsync((client, cancel) => client.CoreV1.PatchNamespacedConfigMapAsync(patch, map.Metadata.Name, Namespace, cancellationToken: cancel), cancellationToken);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            await AskAsync((client, cancel) => client.CoreV1.CreateNamespacedConfigMapAsync(map, Namespace, cancellationToken: cancel), cancellationToken);
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _connecting.Dispose();
    }

    private static JsonNode Add(string path, object value) => new JsonObject { ["op"] = "add", ["path"] = path, ["value"] = JsonNode.Parse(KubernetesJson.Serialize(value)) };

    // Null: the end, be it that of our patience.
    private static async Task<string?> ReadLineAsync(StreamReader reader, CancellationToken end, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(end);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    // What is no server of Kubernetes may answer with anything, of any length.
    private static async Task<string> ReadRefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var text = new char[MaxRefusal];
        return new string(text, 0, await reader.ReadBlockAsync(text.AsMemory(), cancellationToken));
    }

    private static (WatchEventType Type, V1PersistentVolume Object) Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var @event = document.RootElement;
        var @object = @event.GetProperty("object");
        return @event.GetProperty("type").GetString() switch
        {
            "ADDED" => (WatchEventType.Added, Read(@object)),
            "MODIFIED" => (WatchEventType.Modified, Read(@object)),
            "DELETED" => (WatchEventType.Deleted, Read(@object)),
            "BOOKMARK" => (WatchEventType.Bookmark, Read(@object)),
            "ERROR" => throw new KubernetesException(KubernetesJson.Deserialize<V1Status>(@object.GetRawText())),
            var other => throw new JsonException($"the watch tells of something unknown, '{other}'"),
        };
    }

    private static V1PersistentVolume Read(JsonElement element) => KubernetesJson.Deserialize<V1PersistentVolume>(element.GetRawText());

    private static string? UidIn(JsonElement element) =>
        element.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("uid", out var uid) ? uid.GetString() : null;

    private async Task<T> AskAsync<T>(Func<Kubernetes, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Limit);
        var client = await ConnectAsync(patience.Token);
        try
        {
            // The client waits for the rest of a refusal without looking at the token.
            return await ask(client, patience.Token).WaitAsync(patience.Token);
        }
        catch (HttpOperationException e)
        {
            Heed(client, e);
            throw;
        }
    }

    // Who is not known any more may have new credentials in the files, which the client reads when it is made. The old one is let go: others may still wait by it.
    private HttpOperationException Heed(Kubernetes client, HttpOperationException refusal)
    {
        if (refusal.Response is { StatusCode: HttpStatusCode.Unauthorized })
            Interlocked.CompareExchange(ref _client, null, client);
        return refusal;
    }

    private static async Task<KubernetesClientConfiguration> ReadAsync(string file)
    {
        try
        {
            return await KubernetesClientConfiguration.BuildConfigFromConfigFileAsync(new FileInfo(file));
        }
        catch (Exception e) when (ClusterFailure.Of(e) is null)
        {
            // Somebody may be just writing it, and what comes of half a file nobody can foresee.
            throw new KubeConfigException($"{file} can't be read: {e.Message}");
        }
    }

    // Made when it is first needed, and tried anew when that fails: the files may come later.
    private async Task<Kubernetes> ConnectAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _client) is { } known)
            return known;
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_client is not { } client)
            {
                var configuration = options.Cluster.Kubeconfig is { Length: > 0 } file ? await ReadAsync(file) : KubernetesClientConfiguration.InClusterConfig();
                _namespace = options.Cluster.Namespace is { Length: > 0 } wanted ? wanted : ClusterPresence.PodNamespace ?? configuration.Namespace ?? "default";
                _serverName = configuration.TlsServerName is { Length: > 0 } name ? name : null;
                client = new Kubernetes(configuration);
                Volatile.Write(ref _client, client);
            }
            return client;
        }
        finally
        {
            _connecting.Release();
        }
    }
}
