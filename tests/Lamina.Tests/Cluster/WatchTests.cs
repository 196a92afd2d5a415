using System.Text.Json.Nodes;
using Lamina.Cluster;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>The watch alone, of a pool that is forgotten, with a clock of its own.</summary>
public sealed class WatchTests : IAsyncLifetime
{
    private readonly HurriedTime _time = new();
    private readonly FakeLogger<PersistentVolumeWatcher> _log = new();
    private readonly PersistentVolumeIndex _index = new();
    private readonly PoolId _pool = PoolId.NewRandom();
    private FakeApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakeApiServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task WatchThatWasWell_AndIsCut_IsBegunAgainSoon_AndNobodyIsWarned()
    {
        await RunAsync(async () =>
        {
            for (var i = 0; i < 6; i++)
            {
                var (name, watches) = ($"pv-{i}", _server.Count("watch", "persistentvolumes"));
                Put(name);
                await Eventually.TrueAsync(() => _index is { IsCurrent: true, View: { } view } && view.Entries.ContainsKey(name), "the watch tells");
                await _server.EndWatchesAsync(WatchEnd.Cut);
                await Eventually.TrueAsync(() => _server.Count("watch", "persistentvolumes") > watches, "it is begun again");
            }
            Assert.Equal(1, _server.Count("list", "persistentvolumes"));
        });

        Assert.All(_time.Waits, wait => Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromMilliseconds(500)));
        Assert.DoesNotContain(_log.Collector.GetSnapshot(), entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task WatchThatIsRefused_IsToldWithTheServersReason_AndWaitsAsLongAsItSays()
    {
        _server.Fault = request => request is { Verb: "watch" } ? new ApiFault.Refuse(503, RetryAfter: 7) : null;

        await RunAsync(() => Eventually.TrueAsync(() => _server.Count("watch", "persistentvolumes") > 2, "it is tried again"));

        Assert.Contains("503 ServiceUnavailable: by the test", Assert.Single(_log.Collector.GetSnapshot(), entry => entry.Level == LogLevel.Warning).Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(7), _time.Waits.First());
    }

    // Each list is well, and no watch ever is.
    [Fact]
    public async Task VersionThatIsGoneAtOnce_IsListedEverMoreSeldom()
    {
        _server.Fault = request => request is { Verb: "watch" } ? new ApiFault.Refuse(410) : null;

        await RunAsync(() => Eventually.TrueAsync(() => _server.Count("list", "persistentvolumes") > 8, "it is listed again"));

        Assert.True(_time.Waits.Max() > TimeSpan.FromSeconds(10), "the waits do not grow");
    }

    [Fact]
    public async Task Requests_OfAServerWithAnotherName_AllAskByIt()
    {
        await RunAsync(() => Eventually.TrueAsync(() => _index.IsCurrent, "it watches"), ", tls-server-name: api.example.org");

        Assert.Equal(["list", "watch"], _server.Requests.Select(request => request.Verb));
        Assert.All(_server.Requests, request => Assert.Equal("api.example.org", request.Host));
    }

    // A server that is well sends something every minute.
    [Fact]
    public async Task WatchThatIsSilent_Ends()
    {
        var time = new FakeTimeProvider();
        using var api = new ClusterApi(Options(), time);
        var cancel = TestContext.Current.CancellationToken;
        var version = (await api.ListPersistentVolumesAsync(null, cancel)).Metadata.ResourceVersion;
        var isBegun = false;
        await using var watch = api.WatchPersistentVolumesAsync(version, TimeSpan.FromDays(100), () => Volatile.Write(ref isBegun, true), cancel).GetAsyncEnumerator(cancel);

        var next = watch.MoveNextAsync().AsTask();

        await Eventually.TrueAsync(() => Volatile.Read(ref isBegun), "it has begun");
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return next.IsCompleted;
            },
            "it ends");
        Assert.False(await next);
    }

    private async Task RunAsync(Func<Task> test, string cluster = "")
    {
        await using var parts = await NoPools.MakeAsync();
        parts.Forgotten.Add(_pool);
        var options = Options(cluster);
        using var api = new ClusterApi(options, TimeProvider.System);
        using var watcher = new PersistentVolumeWatcher(api, _index, parts.Pools, parts.Forgotten, new ClusterStanding(), options, _time, _log);
        await watcher.StartAsync(CancellationToken.None);
        await test();
        await watcher.StopAsync(CancellationToken.None);
    }

    private LaminaOptions Options(string cluster = "") => NoPools.Options(_server.Kubeconfig("token: daemon", cluster));

    private void Put(string name) => _server.Store.Put("/persistentvolumes", "", name, _ => new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "PersistentVolume", ["metadata"] = new JsonObject(),
        ["spec"] = new JsonObject { ["csi"] = new JsonObject { ["driver"] = "csi.lamina.dev", ["volumeHandle"] = $"{_pool}.{name}" } },
    });
}
