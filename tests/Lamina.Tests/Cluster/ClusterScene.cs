using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Lamina.Cluster;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Lamina.Tests.Monitoring;
using Lamina.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Wire = Csi.V1;

namespace Lamina.Tests.Cluster;

/// <summary>A daemon in a cluster: a fake one, or a real one in a namespace of our own; and somebody who may do all there.</summary>
internal sealed class ClusterScene : IAsyncDisposable
{
    private static int s_count;
    private readonly string _id = $"{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
    private readonly List<V1PersistentVolume> _persistentVolumes = [];
    private readonly DaemonAccount? _account;

    private ClusterScene(FakeApiServer? server)
    {
        Server = server;
        Namespace = server is null ? $"lamina-test-{_id}" : "lamina";
        Node = $"node-{_id}";
        Driver = server is null ? $"test-{_id}.lamina.dev" : "csi.lamina.dev";
        Admin = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(server?.Kubeconfig(isAdmin: true) ?? TestSettings.Kubeconfig));
        _account = server is null ? new DaemonAccount(Admin, Namespace) : null;
    }

    /// <summary>The fake server; null: it is a real one.</summary>
    internal FakeApiServer? Server { get; }

    internal string Namespace { get; }

    internal string Node { get; }

    internal string Driver { get; }

    internal Kubernetes Admin { get; }

    internal CsiDaemon Daemon { get; private set; } = null!;

    /// <summary>What the daemon knows of PersistentVolumes.</summary>
    internal PersistentVolumeIndex Index => Service<PersistentVolumeIndex>();

    internal ClusterStanding Standing => Service<ClusterStanding>();

    /// <summary>The id of the default pool.</summary>
    internal PoolId Pool => Service<PoolSet>().ResolveDefault().Id;

    /// <param name="server">The fake server; null: the real one.</param>
    /// <param name="arguments">More of the daemon's configuration.</param>
    internal static async Task<ClusterScene> StartAsync(FakeApiServer? server, params string[] arguments)
    {
        var scene = new ClusterScene(server);
        try
        {
            await scene.Admin.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = scene.Namespace } });
            if (scene._account is not null)
                await scene._account.CreateAsync(TestSettings.Kubeconfig!);
            scene.Daemon = await CsiDaemon.StartAsync(
            [
                .. CsiPools.Overlay("plain", "--default", "--usageInterval=00:00:01", "--liveSnapshot=refuse"), .. CsiPools.Overlay("full", "--minFree=4Ei"),
                $"--cluster:kubeconfig={server?.Kubeconfig(isAdmin: false) ?? scene._account!.Kubeconfig}", $"--cluster:namespace={scene.Namespace}", "--cluster:interval=00:00:01", "--cluster:orphanGrace=00:00:01",
                "--metrics:interval=00:00:01", $"--nodeName={scene.Node}", $"--driverName={scene.Driver}", .. arguments,
            ]);
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>A claim.</summary>
    internal async Task<V1PersistentVolumeClaim> ClaimAsync(string name) => await Admin.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(
        new V1PersistentVolumeClaim
        {
            Metadata = new V1ObjectMeta { Name = name },
            // Of a class that there is not, so that nobody provisions it.
            Spec = new V1PersistentVolumeClaimSpec { StorageClassName = "nobody", AccessModes = ["ReadWriteOnce"], Resources = new V1VolumeResourceRequirements { Requests = Size } },
        }, Namespace);

    /// <summary>The PersistentVolume of a volume.</summary>
    internal async Task<V1PersistentVolume> PersistentVolumeAsync(string volume, V1PersistentVolumeClaim? claim = null, string? driver = null)
    {
        var name = $"pv-{_id}-{Interlocked.Increment(ref s_count)}";
        var made = await Admin.CoreV1.CreatePersistentVolumeAsync(new V1PersistentVolume
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1PersistentVolumeSpec
            {
                Capacity = Size, AccessModes = ["ReadWriteOnce"], PersistentVolumeReclaimPolicy = "Retain", StorageClassName = "nobody",
                Csi = new V1CSIPersistentVolumeSource { Driver = driver ?? Driver, VolumeHandle = volume },
                ClaimRef = claim is null ? null : new V1ObjectReference { Name = claim.Metadata.Name, NamespaceProperty = Namespace, Uid = claim.Metadata.Uid, Kind = "PersistentVolumeClaim", ApiVersion = "v1" },
            },
        });
        _persistentVolumes.Add(made);
        return made;
    }

    /// <summary>A request of the provisioner's for a claim.</summary>
    internal Wire.CreateVolumeRequest Request(string claim, long size = 1 << 20, string? pool = null)
    {
        var request = Requests.CreateVolume($"pvc-{claim}");
        request.CapacityRange = new() { RequiredBytes = size };
        request.Parameters.Add("csi.storage.k8s.io/pvc/name", claim);
        request.Parameters.Add("csi.storage.k8s.io/pvc/namespace", Namespace);
        if (pool is not null)
            request.Parameters.Add("pool", pool);
        return request;
    }

    /// <summary>Deletes a claim and the PersistentVolume that is bound to it, and waits until that is gone. Where no controller sees to what keeps them, we do.</summary>
    internal async Task DeleteAsync(V1PersistentVolume volume, V1PersistentVolumeClaim? claim = null)
    {
        var none = new V1Patch("""{ "metadata": { "finalizers": null } }""", V1Patch.PatchType.MergePatch);
        if (claim is not null)
        {
            await UnlessGoneAsync(() => Admin.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync(claim.Metadata.Name, Namespace));
            await UnlessGoneAsync(() => Admin.CoreV1.PatchNamespacedPersistentVolumeClaimAsync(none, claim.Metadata.Name, Namespace));
        }
        await UnlessGoneAsync(() => Admin.CoreV1.DeletePersistentVolumeAsync(volume.Metadata.Name));
        await UnlessGoneAsync(() => Admin.CoreV1.PatchPersistentVolumeAsync(none, volume.Metadata.Name));
        await UntilAsync(async () => !await UnlessGoneAsync(() => Admin.CoreV1.ReadPersistentVolumeAsync(volume.Metadata.Name)), $"{volume.Metadata.Name} is gone");
    }

    /// <summary>A claim, its volume, and its PersistentVolume, as a provisioner leaves them, and as the daemon knows them.</summary>
    internal Task<(V1PersistentVolumeClaim Claim, string Volume)> ProvisionAsync(string name) => ProvisionAsync(name, Request(name));

    /// <summary>The same by another request.</summary>
    internal async Task<(V1PersistentVolumeClaim Claim, string Volume)> ProvisionAsync(string name, Wire.CreateVolumeRequest request)
    {
        var claim = await ClaimAsync(name);
        var volume = (await Daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
        await PersistentVolumeAsync(volume, claim);
        await Eventually.TrueAsync(() => VolumeId.TryParse(volume, out var id) && Index.View?.Naming(id) is not null, "the daemon knows the PersistentVolume");
        return (claim, volume);
    }

    /// <summary>A pod that has a file of a volume open for writing.</summary>
    internal async Task<WorkloadProcess> WriterAsync(string volume) => await WorkloadProcess.StartProgramAsync(
        "/bin/sh", "-c", "exec 3>\"$1/file\"; echo ready; exec cat", "sh", await Daemon.PublishAsync(volume, await Daemon.StageAsync(volume)));

    /// <summary>The events of an object, by its name.</summary>
    internal async Task<List<Corev1Event>> EventsAsync(string name, string? @namespace = null) =>
        [.. (await Admin.CoreV1.ListNamespacedEventAsync(@namespace ?? Namespace)).Items.Where(@event => @event.InvolvedObject.Name == name && @event.ReportingComponent == Driver)];

    /// <summary>Waits for an event of an object.</summary>
    internal async Task<Corev1Event> EventAsync(NoticeReason reason, string name, string? @namespace = null, Func<Corev1Event, bool>? which = null)
    {
        Corev1Event? found = null;
        await UntilAsync(async () => (found = (await EventsAsync(name, @namespace)).Find(@event => @event.Reason == reason.ToString() && which?.Invoke(@event) != false)) is not null,
            $"there is an event {reason} of {name}");
        return found!;
    }

    /// <summary>Waits for what only the server can tell.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, string what, int minutes = 1)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(minutes));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"never came true: {what}");
            await Task.Delay(50);
        }
    }

    /// <summary>A series of the daemon's metrics; null: there is none.</summary>
    internal async Task<double?> MetricAsync(string series) =>
        new Scrape(await ScrapeCostTests.ScrapeAsync(Service<StateExposition>())).Series.TryGetValue(series, out var value) ? value : null;

    internal T Service<T>()
        where T : notnull => Daemon.Daemon.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        if (Daemon is not null)
            await Daemon.DisposeAsync();
        if (Server is null)
            await CleanUpAsync();
        Admin.Dispose();
        if (Server is null)
            return;
        // In whatever test: it asks for what it is allowed, and deletes nothing.
        Assert.Empty(Server.Forbidden);
        Assert.DoesNotContain(Server.Requests, request => request.Verb.StartsWith("delete", StringComparison.Ordinal));
        await Server.DisposeAsync();
    }

    private static Dictionary<string, ResourceQuantity> Size => new() { ["storage"] = new ResourceQuantity("1Mi") };

    private async Task CleanUpAsync()
    {
        if (_account is not null)
            await _account.DeleteAsync();
        await UnlessGoneAsync(() => Admin.CoreV1.DeleteNamespaceAsync(Namespace));
        foreach (var volume in _persistentVolumes)
            await DeleteAsync(volume);
    }

    /// <summary>Asks for something that may not be there.</summary>
    /// <returns>False: it is not.</returns>
    internal static async Task<bool> UnlessGoneAsync(Func<Task> ask)
    {
        try
        {
            await ask();
            return true;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }
}
