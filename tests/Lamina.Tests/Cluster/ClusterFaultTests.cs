using System.Text.Json.Nodes;
using Grpc.Core;
using Lamina.Cluster;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Cluster;

/// <summary>An API server that forgets, refuses, hangs, or is not there.</summary>
public sealed class ClusterFaultTests : IAsyncLifetime
{
    private FakeApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakeApiServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("refused")]
    [InlineData("gone")]
    [InlineData("cut")]
    public async Task ListThatIsNotWhole_NamesNobody(string fault)
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");
        var attempts = 0;
        _server.MaxPage = 1;
        _server.Fault = request => request is { Verb: "list", Continues: true } && Interlocked.Increment(ref attempts) > 0
            ? fault switch { "refused" => new ApiFault.Refuse(500), "gone" => new ApiFault.Refuse(410), _ => new ApiFault.Cut() } : null;
        // From now on only a list can tell of PersistentVolumes.
        List<string> volumes = [];
        for (var i = 0; i < 3; i++)
            volumes.Add((await scene.Daemon.CreateAsync()).VolumeId);
        _server.Store.Compact();
        foreach (var volume in volumes.Skip(1))
            await scene.PersistentVolumeAsync(volume);
        _server.Store.Compact();
        await _server.EndWatchesAsync(WatchEnd.Expire);

        await Eventually.TrueAsync(() => Volatile.Read(ref attempts) >= 5, "the list has failed in its middle again and again");
        Assert.True(scene.Standing.Orphans is null or { IsEmpty: true }, "somebody was called an orphan by half a list");

        _server.Fault = _ => null;
        await Eventually.TrueAsync(() => scene.Standing.Orphans is { IsEmpty: false }, "the whole list tells of the orphan");
        Assert.Equal(volumes[0], Assert.Single(scene.Standing.Orphans!.Value).Name);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WatchWhoseVersionIsGone_ListsAgain(bool inTheStream)
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");
        var lists = _server.Count("list", "persistentvolumes");
        // Refused meanwhile, so that what happens now is not seen by a watch.
        _server.Fault = request => request is { Verb: "watch" } ? new ApiFault.Refuse(503) : null;
        if (!inTheStream)
            await _server.EndWatchesAsync(WatchEnd.Cut);
        await Eventually.TrueAsync(() => inTheStream || !scene.Index.IsCurrent, "the watch has ended");
        var volume = await scene.PersistentVolumeAsync($"{scene.Pool}.later");
        _server.Store.Compact();
        _server.Fault = _ => null;
        if (inTheStream)
            await _server.EndWatchesAsync(WatchEnd.Expire);

        await Eventually.TrueAsync(() => _server.Count("list", "persistentvolumes") > lists && scene.Index.IsCurrent && scene.Index.View!.Entries.ContainsKey(volume.Metadata.Name),
            "the list tells what the watch could not");
        // And the watch goes on from there.
        var next = await scene.PersistentVolumeAsync($"{scene.Pool}.next");
        await Eventually.TrueAsync(() => scene.Index.View!.Entries.ContainsKey(next.Metadata.Name), "the watch tells");
    }

    [Fact]
    public async Task WatchThatEnds_GoesOnFromItsBookmark_WithoutAList()
    {
        await using var scene = await ClusterScene.StartAsync(_server, "--cluster:orphanGrace=01:00:00");
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");
        var known = await scene.PersistentVolumeAsync($"{scene.Pool}.known");
        await Eventually.TrueAsync(() => scene.Index.View!.Entries.ContainsKey(known.Metadata.Name), "it is told");
        var (lists, watches) = (_server.Count("list", "persistentvolumes"), _server.Count("watch", "persistentvolumes"));
        // What is forgotten reaches to the bookmark: only who has seen that can go on.
        await scene.ClaimAsync("elsewhere");
        var bookmark = _server.Store.Bookmark("/persistentvolumes", "PersistentVolume");
        await Eventually.TrueAsync(() => _server.Watched >= bookmark, "the bookmark is told");
        _server.Store.Compact();

        await _server.EndWatchesAsync(WatchEnd.Finish);
        var next = await scene.PersistentVolumeAsync($"{scene.Pool}.next");
        await scene.DeleteAsync(known);

        await Eventually.TrueAsync(() => scene.Index.View!.Entries is var entries && entries.ContainsKey(next.Metadata.Name) && !entries.ContainsKey(known.Metadata.Name), "it goes on");
        Assert.Equal(lists, _server.Count("list", "persistentvolumes"));
        Assert.True(_server.Count("watch", "persistentvolumes") > watches);
    }

    [Fact]
    public async Task ServerThatWasAway_IsToldWhatHappenedMeanwhile()
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        await scene.ClaimAsync("large");
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");

        await _server.GoAwayAsync();
        await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request("large", pool: "full")));
        var volume = (await scene.Daemon.CreateAsync()).VolumeId;
        await Eventually.TrueAsync(() => !scene.Index.IsCurrent && scene.Standing.Failures > 2, "the daemon misses the server");
        Assert.Equal(0, await scene.MetricAsync("lamina_cluster_synced"));
        // It is alone by all that the daemon knows, and is not called so.
        Assert.True(scene.Standing.Orphans is null or { IsEmpty: true });
        _server.Store.Put("/persistentvolumes", "", "made-meanwhile", _ => PersistentVolume(scene, volume));
        await _server.ComeBackAsync();

        await scene.EventAsync(NoticeReason.PoolFull, "large");
        await Eventually.TrueAsync(() => scene.Index.IsCurrent && scene.Index.View!.Entries.ContainsKey("made-meanwhile"), "the daemon has caught up");
        Assert.Equal(1, await scene.MetricAsync("lamina_cluster_synced"));
        Assert.Single(await scene.EventsAsync("large"));
        Assert.Empty(await scene.EventsAsync(scene.Node, "default"));
    }

    [Fact]
    public async Task ServerThatHangs_KeepsNoCallWaiting_AndTakesNoMoreMemoryThanThereIsRoom()
    {
        _server.Fault = _ => new ApiFault.Hang();
        await using var scene = await ClusterScene.StartAsync(_server);
        await Eventually.TrueAsync(() => _server.Held > 0, "the daemon waits for the server");

        // More refusals than can wait, of claims that are all different.
        for (var i = 0; i < ClusterNotices.Capacity + 50; i++)
            await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request($"claim-{i}", pool: "full")));
        var volume = await scene.Daemon.CreateAsync();
        await scene.Daemon.UseAsync(volume.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "text"));
        await scene.Daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });

        Assert.True(_server.Held > 0, "the server has stopped hanging before the calls had ended");
        Assert.InRange((await scene.MetricAsync("""lamina_cluster_events_total{result="dropped"}"""))!.Value, 40, 50);
        Assert.Equal(0, await scene.MetricAsync("""lamina_cluster_events_total{result="sent"}"""));
    }

    [Fact]
    public async Task EventThatIsRefused_IsLetGo_AndOneThatIsPutOff_ComesLater()
    {
        var (forbidden, putOff) = (0, 0);
        _server.Fault = request => request is not { Verb: "create", Resource: "events" } ? null
            : Interlocked.Increment(ref forbidden) == 1 ? new ApiFault.Refuse(403)
            : Interlocked.Increment(ref putOff) == 1 ? new ApiFault.Refuse(429, RetryAfter: 1) : null;
        await using var scene = await ClusterScene.StartAsync(_server);
        await scene.ClaimAsync("first");
        await scene.ClaimAsync("second");

        foreach (var claim in (string[])["first", "second"])
            await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request(claim, pool: "full")));

        await scene.EventAsync(NoticeReason.PoolFull, "second");
        Assert.Empty(await scene.EventsAsync("first"));
        Assert.Equal(1, await scene.MetricAsync("""lamina_cluster_events_total{result="refused"}"""));
        Assert.Equal(1, Assert.Single(await scene.EventsAsync("second")).Count);
    }

    [Fact]
    public async Task Notice_OfAClaimThatIsGone_IsNoEvent()
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        await scene.ClaimAsync("there");
        foreach (var claim in (string[])["gone", "there"])
            await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request(claim, pool: "full")));

        await scene.EventAsync(NoticeReason.PoolFull, "there");

        Assert.Empty(await scene.EventsAsync("gone"));
    }

    [Fact]
    public async Task Pool_HiddenByAnotherMount_IsToldAsDegraded_EachTimeItBegins()
    {
        using var disk = new TmpfsFileSystem();
        var path = disk.NewDirectory("pool");
        await using var scene = await ClusterScene.StartAsync(_server, CsiPools.OverlayAt("hidden", path));
        var name = PoolPublisher.NameOf(scene.Service<LaminaOptions>());
        await Eventually.TrueAsync(() => Shown()?.Contains("state: served", StringComparison.Ordinal) == true, "the pool is shown");

        using (var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None))
            Mounts.Attach(mount, path);

        await scene.EventAsync(NoticeReason.PoolDegraded, scene.Node, "default");
        await Eventually.TrueAsync(() => Shown()!.Contains("state: degraded: ", StringComparison.Ordinal), "the pool is shown as degraded");
        Mounts.Unmount(path);
        await Eventually.TrueAsync(() => Shown()!.Contains("state: served", StringComparison.Ordinal), "the pool is shown as it was");
        // Whoever tells of it has seen it too: that one looks at the pools first, and then at this one.
        var orphan = (await scene.Daemon.CreateAsync()).VolumeId;
        await scene.EventAsync(NoticeReason.VolumeOrphaned, scene.Node, "default", @event => @event.Message.Contains(orphan, StringComparison.Ordinal));
        Assert.Equal(1, (await scene.EventAsync(NoticeReason.PoolDegraded, scene.Node, "default")).Count);

        using (var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None))
            Mounts.Attach(mount, path);
        await scene.EventAsync(NoticeReason.PoolDegraded, scene.Node, "default", @event => @event.Count == 2);
        Mounts.Unmount(path);
        Assert.Single(await scene.EventsAsync(scene.Node, "default"), @event => @event.Reason == nameof(NoticeReason.PoolDegraded));

        string? Shown() => (string?)_server.Store.Find("/configmaps", scene.Namespace, name)?["data"]?["hidden"];
    }

    [Fact]
    public async Task Pool_WhoseDiskHangs_IsToldAsDegraded()
    {
        using var disk = new TmpfsFileSystem();
        var path = disk.NewDirectory("pool");
        await using var scene = await ClusterScene.StartAsync(_server, CsiPools.OverlayAt("hanging", path));
        await Eventually.TrueAsync(() => ((string?)_server.Store.Find("/configmaps", scene.Namespace, PoolPublisher.NameOf(scene.Service<LaminaOptions>()))?["data"]?["hanging"])
            ?.Contains("size: ", StringComparison.Ordinal) == true, "the pool is shown");

        using (new HangingFileSystem(path))
            await scene.EventAsync(NoticeReason.PoolDegraded, scene.Node, "default", @event => @event.Message.Contains("'hanging' does not answer since", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Notice_ThatTheServerDoesNotTake_KeepsNoOtherWaiting_AndIsCountedMeanwhile()
    {
        var refuses = true;
        _server.Fault = request => Volatile.Read(ref refuses) && request is { Verb: "get", Resource: "persistentvolumeclaims", Name: "first" } ? new ApiFault.Refuse(500) : null;
        await using var scene = await ClusterScene.StartAsync(_server);
        foreach (var claim in (string[])["first", "second"])
            await scene.ClaimAsync(claim);

        foreach (var claim in (string[])["first", "first", "second"])
            await Refused.AsAsync(StatusCode.ResourceExhausted, scene.Daemon.Controller.CreateVolumeAsync(scene.Request(claim, pool: "full")));

        await scene.EventAsync(NoticeReason.PoolFull, "second");
        Assert.Empty(await scene.EventsAsync("first"));
        Volatile.Write(ref refuses, false);
        Assert.Equal(2, (await scene.EventAsync(NoticeReason.PoolFull, "first")).Count);
    }

    [Fact]
    public async Task ConfigMap_GoesWithItsNode_AndAllOfItIsMended()
    {
        var node = _server.Store.Put("/nodes", "", "owner", _ => new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["metadata"] = new JsonObject() })!;
        // As an earlier version may have left it, or a person.
        _server.Store.Put("/configmaps", "lamina", "lamina-pools-owner", _ => new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["old"] = "yes" } }, ["data"] = new JsonObject { ["gone"] = "state: served\n" },
        });
        await using var scene = await ClusterScene.StartAsync(_server, "--nodeName=owner");

        JsonObject Map() => _server.Store.Find("/configmaps", "lamina", "lamina-pools-owner")!;
        await Eventually.TrueAsync(() => Map()["data"]!["plain"] is not null, "the pools are shown");
        var metadata = Map()["metadata"]!;
        Assert.Equal(("Node", "owner", (string?)node["metadata"]!["uid"]), ((string?)metadata["ownerReferences"]![0]!["kind"], (string?)metadata["ownerReferences"]![0]!["name"], (string?)metadata["ownerReferences"]![0]!["uid"]));
        Assert.Equal(("pools", "owner"), ((string?)metadata["labels"]!["app.kubernetes.io/component"], (string?)metadata["labels"]!["topology.lamina.dev/node"]));
        Assert.Null(metadata["labels"]!["old"]);
        Assert.Null(Map()["data"]!["gone"]);
        Assert.NotNull(Map()["data"]![PoolPublisher.AsOf]);
    }

    [Fact]
    public async Task ConfigMap_WhileNothingChanges_IsNotWrittenAgain()
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        var volume = (await scene.Daemon.CreateAsync()).VolumeId;
        // Looks go on all the time, as the orphan shows that is told only after several of them.
        await scene.EventAsync(NoticeReason.VolumeOrphaned, scene.Node, "default", @event => @event.Message.Contains(volume, StringComparison.Ordinal));

        // One when the pools are served, one when they are looked at for the first time, and room for a disk that others fill just now.
        Assert.InRange(_server.Count("patch", "configmaps"), 1, 4);
        Assert.InRange(_server.Count("create", "configmaps"), 0, 1);
    }

    [Fact]
    public async Task AllThatTheDaemonAsks_NeedsEachOfItsRules()
    {
        await using var scene = await ClusterScene.StartAsync(_server);
        var (_, volume) = await scene.ProvisionAsync("data");
        await scene.ClaimAsync("large");
        _server.Store.Put("snapshot.storage.k8s.io/volumesnapshots", scene.Namespace, "nightly", _ => new JsonObject
        {
            ["apiVersion"] = "snapshot.storage.k8s.io/v1", ["kind"] = "VolumeSnapshot", ["metadata"] = new JsonObject(), ["spec"] = new JsonObject(),
        });
        using var writer = await scene.WriterAsync(volume);
        await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateSnapshotAsync(new()
        {
            Name = "snapshot-1", SourceVolumeId = volume,
            Parameters = { ["csi.storage.k8s.io/volumesnapshot/name"] = "nightly", ["csi.storage.k8s.io/volumesnapshot/namespace"] = scene.Namespace },
        }));
        await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request("large", pool: "full")));
        Assert.Equal("VolumeSnapshot", (await scene.EventAsync(NoticeReason.SnapshotRefused, "nightly")).InvolvedObject.Kind);
        await scene.EventAsync(NoticeReason.PoolFull, "large");
        writer.Kill();
        // Started anew it counts the event that it finds.
        await scene.Daemon.RestartAsync();
        await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request("large", pool: "full")));
        await scene.EventAsync(NoticeReason.PoolFull, "large", which: @event => @event.Count == 2);
        await Eventually.TrueAsync(() => _server.Count("create", "configmaps") > 0 && _server.Count("watch", "persistentvolumes") > 0, "the pools are shown, and the daemon watches");

        Assert.Equal(_server.Allowed.Order(StringComparer.Ordinal), _server.Requests.Select(request => $"{request.Verb} {request.Resource}").Distinct().Order(StringComparer.Ordinal));
    }

    private static JsonObject PersistentVolume(ClusterScene scene, string volume) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "PersistentVolume", ["metadata"] = new JsonObject(),
        ["spec"] = new JsonObject { ["csi"] = new JsonObject { ["driver"] = scene.Driver, ["volumeHandle"] = volume } },
    };
}
