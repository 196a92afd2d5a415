using Grpc.Core;
using k8s;
using Lamina.Cluster;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Wire = Csi.V1;

namespace Lamina.Tests.Cluster;

/// <summary>What people see in the cluster, whichever it is.</summary>
public abstract class ClusterSpecification
{
    [Fact]
    public async Task VolumeOverItsSize_IsToldOnceBesideItsClaim()
    {
        await using var scene = await StartAsync();
        var (first, firstVolume) = await scene.ProvisionAsync("first");
        var (_, secondVolume) = await scene.ProvisionAsync("second");

        await FillAsync(scene.Daemon, firstVolume, 2 << 20);
        var told = await scene.EventAsync(NoticeReason.VolumeOverLimit, "first");
        // What is told later is told after looks at the first one, which was over its size in each of them.
        await FillAsync(scene.Daemon, secondVolume, 1000 << 10);
        var nearly = await scene.EventAsync(NoticeReason.VolumeNearlyFull, "second");

        Assert.Equal(("PersistentVolumeClaim", scene.Namespace, first.Metadata.Uid), (told.InvolvedObject.Kind, told.InvolvedObject.NamespaceProperty, told.InvolvedObject.Uid));
        Assert.Equal(("Warning", scene.Driver, scene.Node), (told.Type, told.ReportingComponent, told.ReportingInstance));
        Assert.Contains($"{firstVolume} on node {scene.Node} uses 2Mi of 1Mi", told.Message, StringComparison.Ordinal);
        Assert.Contains("of 1Mi (98 %)", nearly.Message, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(await scene.EventsAsync("first")).Count);
        Assert.Equal(1, Assert.Single(await scene.EventsAsync("second")).Count);
    }

    // What snapshots hold beside it says nothing of how much it may still write.
    [Fact]
    public async Task VolumeWithAHardSizeAndASnapshot_NearlyFull_IsToldBesideItsClaim()
    {
        Requirements.FileSystem(FileSystemKind.Btrfs);
        Requirements.Kernel(6, 7);
        using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs, simpleQuotas: true);
        await using var scene = await StartAsync(CsiPools.Btrfs("hard", disk, "--quota=simple"));
        var (_, volume) = await scene.ProvisionAsync("data", scene.Request("data", 64 << 20, "hard"));
        await scene.Daemon.SnapshotAsync(volume);

        var target = await FillAsync(scene.Daemon, volume, 60 << 20);
        // What is only in memory is charged to nobody.
        using (var root = Files.OpenDirectory(target))
            Files.FlushFileSystem(root);

        Assert.Contains("of 64Mi (9", (await scene.EventAsync(NoticeReason.VolumeNearlyFull, "data")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VolumeWithAFileSystemOfItsOwn_NearlyFull_IsToldBesideItsClaim()
    {
        Requirements.FileSystem(FileSystemKind.Ext4);
        await using var scene = await StartAsync();
        var request = scene.Request("database", 64 << 20);
        request.VolumeCapabilities[0].Mount.FsType = "ext4";
        var (_, volume) = await scene.ProvisionAsync("database", request);
        var target = await scene.Daemon.PublishAsync(volume, await scene.Daemon.StageAsync(volume, Requests.Mount(fileSystem: "ext4")), Requests.Mount(fileSystem: "ext4"));

        await File.WriteAllBytesAsync(Path.Combine(target, "file"), new byte[(long)Files.StatFs(target).AvailableBytes / 100 * 97], TestContext.Current.CancellationToken);

        Assert.Contains($"volume {volume} on node {scene.Node} uses ", (await scene.EventAsync(NoticeReason.VolumeNearlyFull, "database")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Event_AfterARestart_IsCountedAndNotMadeAnew()
    {
        await using var scene = await StartAsync();
        var (_, volume) = await scene.ProvisionAsync("data");
        await FillAsync(scene.Daemon, volume, 2 << 20);
        await scene.EventAsync(NoticeReason.VolumeOverLimit, "data");

        await scene.Daemon.RestartAsync();

        await scene.EventAsync(NoticeReason.VolumeOverLimit, "data", which: @event => @event.Count == 2);
        Assert.Single(await scene.EventsAsync("data"));
    }

    [Fact]
    public async Task Refusals_AreToldBesideTheClaim_WithTheReason()
    {
        await using var scene = await StartAsync();
        await scene.ClaimAsync("large");
        var (_, volume) = await scene.ProvisionAsync("used");
        using var writer = await scene.WriterAsync(volume);

        for (var i = 0; i < 3; i++)
            Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.Controller.CreateVolumeAsync(scene.Request("large", pool: "full")))).StatusCode);
        var refused = await Assert.ThrowsAsync<RpcException>(() => scene.Daemon.SnapshotAsync(volume));

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains(refused.Status.Detail, (await scene.EventAsync(NoticeReason.SnapshotRefused, "used")).Message, StringComparison.Ordinal);
        Assert.Contains("'full'", (await scene.EventAsync(NoticeReason.PoolFull, "large")).Message, StringComparison.Ordinal);
        Assert.Single(await scene.EventsAsync("large"));
    }

    [Fact]
    public async Task Group_ThatIsRefused_IsToldBesideTheClaimsOfAllMembers()
    {
        await using var scene = await StartAsync();
        var (_, first) = await scene.ProvisionAsync("first");
        var (_, second) = await scene.ProvisionAsync("second");
        using var writer = await scene.WriterAsync(first);

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await scene.Daemon.GroupController.CreateVolumeGroupSnapshotAsync(new() { Name = "both", SourceVolumeIds = { first, second } }));

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        foreach (var claim in (string[])["first", "second"])
            Assert.Contains(refused.Status.Detail, (await scene.EventAsync(NoticeReason.SnapshotRefused, claim)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_OfWhatBelongsElsewhere_IsNoLackOfRoom()
    {
        await using var scene = await StartAsync();
        foreach (var claim in (string[])["elsewhere", "copy", "large"])
            await scene.ClaimAsync(claim);
        var elsewhere = scene.Request("elsewhere");
        elsewhere.AccessibilityRequirements = new() { Requisite = { Requests.Place("another-node") } };
        var copy = scene.Request("copy");
        copy.VolumeContentSource = Requests.FromSnapshot("aaaaaaaaaaaaa.data");

        foreach (var request in (Wire.CreateVolumeRequest[])[elsewhere, copy, scene.Request("large", pool: "full")])
            await Refused.AsAsync(StatusCode.ResourceExhausted, scene.Daemon.Controller.CreateVolumeAsync(request));

        await scene.EventAsync(NoticeReason.PoolFull, "large");
        Assert.Empty(await scene.EventsAsync("elsewhere"));
        Assert.Empty(await scene.EventsAsync("copy"));
    }

    [Fact]
    public async Task InlineVolume_OverItsSize_IsToldBesideItsPod_AndIsNoOrphan()
    {
        await using var scene = await StartAsync();
        var orphan = (await scene.Daemon.CreateAsync()).VolumeId;
        var target = Path.Combine(scene.Daemon.Kubelet, "pods", Guid.NewGuid().ToString(), "volumes", "kubernetes.io~csi", "scratch", "mount");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        await scene.Daemon.NodeService.NodePublishVolumeAsync(new()
        {
            VolumeId = $"csi-{new string('a', 64)}", TargetPath = target, VolumeCapability = Requests.Mount(),
            VolumeContext =
            {
                ["csi.storage.k8s.io/ephemeral"] = "true", ["csi.storage.k8s.io/pod.name"] = "worker", ["csi.storage.k8s.io/pod.namespace"] = scene.Namespace,
                ["csi.storage.k8s.io/pod.uid"] = "6b0f2c1e-0000-4000-8000-000000000001", ["size"] = "1Mi",
            },
        });
        await File.WriteAllBytesAsync(Path.Combine(target, "file"), new byte[2 << 20]);

        var told = await scene.EventAsync(NoticeReason.VolumeOverLimit, "worker");
        await scene.EventAsync(NoticeReason.VolumeOrphaned, scene.Node, "default", @event => @event.Message.Contains(orphan, StringComparison.Ordinal));

        Assert.Equal(("Pod", "6b0f2c1e-0000-4000-8000-000000000001"), (told.InvolvedObject.Kind, told.InvolvedObject.Uid));
        Assert.Equal(1, await scene.MetricAsync("""lamina_orphan_volumes{kind="volume"}"""));
    }

    [Fact]
    public async Task Orphans_OfEitherSort_AreToldAndKept_UntilTheyAreNone()
    {
        await using var scene = await StartAsync();
        var (_, whole) = await scene.ProvisionAsync("whole");
        var alone = (await scene.Daemon.CreateAsync()).VolumeId;
        var claim = await scene.ClaimAsync("lost");
        var lost = await scene.PersistentVolumeAsync($"{scene.Pool}.lost", claim);
        var foreign = await scene.PersistentVolumeAsync($"{scene.Pool}.lost", driver: "csi.example.org");
        // Its volume went first, as it should.
        var going = await scene.PersistentVolumeAsync($"{scene.Pool}.going");
        await scene.Admin.CoreV1.DeletePersistentVolumeAsync(going.Metadata.Name);

        var volumeEvent = await scene.EventAsync(NoticeReason.VolumeOrphaned, scene.Node, "default", @event => @event.Message.Contains(alone, StringComparison.Ordinal));
        var persistentVolumeEvent = await scene.EventAsync(NoticeReason.VolumeMissing, lost.Metadata.Name, "default");
        var claimEvent = await scene.EventAsync(NoticeReason.VolumeMissing, "lost");

        Assert.Equal(("Node", scene.Node), (volumeEvent.InvolvedObject.Kind, volumeEvent.InvolvedObject.Uid));
        Assert.Equal(lost.Metadata.Uid, persistentVolumeEvent.InvolvedObject.Uid);
        Assert.Equal(claim.Metadata.Uid, claimEvent.InvolvedObject.Uid);
        Assert.Equal(1, await scene.MetricAsync("""lamina_orphan_volumes{kind="volume"}"""));
        Assert.Equal(1, await scene.MetricAsync("""lamina_orphan_volumes{kind="persistentvolume"}"""));
        Assert.InRange((await scene.MetricAsync($$"""lamina_orphan_volume_age_seconds{kind="volume",name="{{alone}}"}"""))!.Value, 1, 3600);
        Assert.Empty(await scene.EventsAsync("whole"));
        Assert.Empty(await scene.EventsAsync(foreign.Metadata.Name, "default"));
        Assert.Empty(await scene.EventsAsync(going.Metadata.Name, "default"));
        Assert.DoesNotContain(foreign.Metadata.Name, scene.Index.View!.Entries.Keys);
        // Both are still there, and the volumes too.
        Assert.NotNull(await scene.Admin.CoreV1.ReadPersistentVolumeAsync(lost.Metadata.Name));
        Assert.Equal(new[] { alone, whole }.Order(StringComparer.Ordinal), (await scene.Daemon.Controller.ListVolumesAsync(new())).Entries.Select(entry => entry.Volume.VolumeId).Order(StringComparer.Ordinal));

        await scene.PersistentVolumeAsync(alone);
        await scene.DeleteAsync(lost, claim);

        await Eventually.TrueAsync(() => scene.Standing.Orphans is { IsEmpty: true }, "nobody is alone any more");
        Assert.Equal(0, await scene.MetricAsync("""lamina_orphan_volumes{kind="volume"}"""));
    }

    [Fact]
    public async Task PersistentVolume_OfAForgottenPool_IsToldAsMissing()
    {
        await using var scene = await StartAsync();
        var pools = (PoolId[])[PoolId.NewRandom(), PoolId.NewRandom()];
        var gone = await scene.PersistentVolumeAsync($"{pools[0]}.data");
        var another = await scene.PersistentVolumeAsync($"{pools[1]}.data");
        await Eventually.TrueAsync(() => scene.Index.IsCurrent, "the daemon watches");

        scene.Service<PoolSet>().Forget(pools[0]);

        Assert.Contains("forgotten", (await scene.EventAsync(NoticeReason.VolumeMissing, gone.Metadata.Name, "default")).Message, StringComparison.Ordinal);
        Assert.Empty(await scene.EventsAsync(another.Metadata.Name, "default"));
    }

    [Fact]
    public async Task Pools_AreShownInAConfigMap_AndAsTheyChange()
    {
        var missing = TestScratch.NewPath("missing");
        await using var scene = await StartAsync("--pools:missing:backend=btrfs", $"--pools:missing:path={missing}");
        var name = PoolPublisher.NameOf(scene.Service<LaminaOptions>());

        Dictionary<string, string>? data = null;
        await ClusterScene.UntilAsync(async () => (data = (await scene.Admin.CoreV1.ListNamespacedConfigMapAsync(scene.Namespace)).Items.FirstOrDefault(map => map.Metadata.Name == name)?.Data.ToDictionary())
            ?.GetValueOrDefault("plain")?.Contains("size: ", StringComparison.Ordinal) == true, "the pools are shown");

        Assert.Equal([PoolPublisher.AsOf, "full", "missing", "plain"], data!.Keys.Order(StringComparer.Ordinal));
        Assert.Matches($@"\Aid: {scene.Pool}\nbackend: overlay2\nstate: served\nsize: [0-9.]+[KMGT]i\navailable: [0-9.]+[KMGT]i\nlimits: (hard|advisory)\n\z", data["plain"]);
        Assert.Matches(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\z", data[PoolPublisher.AsOf]);
        Assert.Matches(@"\Abackend: btrfs\nstate: not served: .+\n\z", data["missing"]);
        Assert.Contains(missing, (await scene.EventAsync(NoticeReason.PoolOffline, scene.Node, "default")).Message, StringComparison.Ordinal);
    }

    private protected abstract Task<ClusterScene> StartAsync(params string[] arguments);

    private static async Task<string> FillAsync(CsiDaemon daemon, string volume, int size)
    {
        var target = await daemon.PublishAsync(volume, await daemon.StageAsync(volume));
        await File.WriteAllBytesAsync(Path.Combine(target, "file"), new byte[size]);
        return target;
    }
}
