using System.Globalization;
using System.Text;
using k8s.Models;
using Lamina.Hosting;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Configuration;

namespace Lamina.Chart.Tests;

/// <summary>The pods: who sees which of the host's directories, with which rights, and what the daemon is told.</summary>
public sealed class DaemonSetTests
{
    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Mounts_OfAContainer_AreOfKnownVolumes_AndNoneLiesInAnotherOne(string values)
    {
        var pod = await PodAsync(values);
        var volumes = pod.Volumes.Select(volume => volume.Name).ToList();

        Assert.Equal(volumes.Count, volumes.Distinct().Count());
        Assert.Equal(volumes.Order(), pod.Containers.SelectMany(container => container.VolumeMounts).Select(mount => mount.Name).Distinct().Order());
        foreach (var mounts in pod.Containers.Select(container => container.VolumeMounts))
        {
            var paths = mounts.Select(mount => mount.MountPath + "/").ToList();
            Assert.All(paths, path => Assert.Single(paths, outer => path.StartsWith(outer, StringComparison.Ordinal)));
        }
    }

    // What a disk is mounted above later is seen, and no pool is made where the disk is missing.
    [Fact]
    public async Task HostDirectories_AbovePools_AreSeenAtTheirOwnPlaces_AndNotMade()
    {
        var pod = await PodAsync(ValueSets.Pools);
        var sources = pod.Volumes.Where(volume => volume.HostPath is not null).ToDictionary(volume => volume.Name, volume => volume.HostPath.Path);

        Assert.Equal(
        [
            "/csi <- /var/lib/kubelet/plugins/csi.lamina.dev", "/data/shared <- /data/shared HostToContainer", "/dev <- /dev HostToContainer", "/etc/lamina <- /etc/lamina",
            "/host/srv/state <- /srv/state HostToContainer", "/run/lamina <- /run/lamina Bidirectional", "/srv/btrfs <- /srv/btrfs HostToContainer",
            "/srv/fast <- /srv/fast HostToContainer", "/srv/image <- /srv/image Bidirectional", "/var/lib/kubelet <- /var/lib/kubelet Bidirectional",
        ], Daemon(pod).VolumeMounts.Where(mount => sources.ContainsKey(mount.Name))
            .Select(mount => $"{mount.MountPath} <- {sources[mount.Name]} {mount.MountPropagation}".TrimEnd()).Order(StringComparer.Ordinal));
        Assert.Equal(["/data/shared", "/etc/lamina", "/run/lamina", "/var/lib/kubelet/plugins/csi.lamina.dev", "/var/lib/kubelet/plugins_registry"], MadeByTheKubelet(pod));
    }

    [Fact]
    public async Task HostDirectories_WithinAnother_AreSeenThroughIt()
    {
        var pod = await PodAsync("""
            bindRoots: [/data, /other/a]
            pools:
              plain: { backend: overlay2, path: /data/pools/plain }
              image: { backend: btrfs, path: /other/a/image, image: /other/a/images/lamina.img }
            """);

        Assert.Equal(["/data HostToContainer Directory", "/other/a Bidirectional Directory"], Daemon(pod).VolumeMounts.Where(mount => mount.Name.StartsWith("root-", StringComparison.Ordinal))
            .Select(mount => $"{mount.MountPath} {mount.MountPropagation} {pod.Volumes.Single(volume => volume.Name == mount.Name).HostPath.Type}"));
    }

    [Fact]
    public async Task ConfigurationOfANode_WhereEtcCantBeWritten_IsElsewhereOnTheNodeAlone()
    {
        var pod = await PodAsync("configDir: /var/etc/lamina");

        Assert.Equal("/etc/lamina", Daemon(pod).VolumeMounts.Single(mount => mount.Name == "node-configuration").MountPath);
        Assert.Equal("/var/etc/lamina", pod.Volumes.Single(volume => volume.Name == "node-configuration").HostPath.Path);
        Assert.DoesNotContain("/etc/lamina", MadeByTheKubelet(pod));
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Configuration_OfEachValueSet_IsOneThatTheDaemonTakes(string values)
    {
        var (options, pools) = await ConfigurationAsync(values);

        Assert.Equal(values != ValueSets.SingleNode, options.Csi.NodeLocal);
        Assert.Equal("node-1", options.NodeName);
        Assert.Equal((values != ValueSets.WithoutSnapshots, "lamina"), (options.Cluster.Enabled, options.Cluster.Namespace));
        Assert.Equal("unix:///csi/csi.sock", options.Csi.Endpoint);
        Assert.NotEmpty(pools);
        Assert.StartsWith("/host/", options.StateDirectory, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pools_OfTheValues_AreThoseOfTheDaemon()
    {
        var (options, pools) = await ConfigurationAsync(ValueSets.Pools);

        Assert.Equal(
            ["bind Bind /host/srv/state/lamina/bind", "deep Btrfs /srv/btrfs/lamina", "fast Overlay2 /srv/fast/lamina", "image Btrfs /srv/image/lamina /srv/image/lamina.img"],
            pools.Select(pool => $"{pool.Name} {pool.Backend} {pool.Path} {pool.Image}".TrimEnd()).Order(StringComparer.Ordinal));
        var fast = pools.Single(pool => pool.Name.ToString() == "fast");
        Assert.Equal((true, 1.5, false, TimeSpan.FromMinutes(10)), (fast.IsDefault, fast.Overcommit, fast.PauseWriters, fast.UsageInterval));
        Assert.True(pools.Single(pool => pool.Name.ToString() == "deep").SimpleQuota);
        Assert.Equal(100, options.Csi.MaxVolumesPerNode);
    }

    [Fact]
    public async Task Metrics_ListenOnThePodsAddress()
    {
        Assert.Equal("10.1.2.3:9810", (await ConfigurationAsync(ValueSets.Default)).Options.Metrics.Address);
        Assert.Equal("[fd00::3]:9900", (await ConfigurationAsync(ValueSets.Monitored)).Options.Metrics.Address);
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Containers_ButTheDaemon_HaveNoRights(string values)
    {
        var pod = await PodAsync(values);

        Assert.True(Daemon(pod).SecurityContext.Privileged);
        foreach (var sidecar in pod.Containers.Where(container => container.Name != "lamina"))
        {
            Assert.Equal(values == ValueSets.HostPid, sidecar.SecurityContext.Privileged == true);
            Assert.True(sidecar.SecurityContext.Privileged == true || sidecar.SecurityContext.Capabilities.Drop.SequenceEqual(["ALL"]));
            Assert.True(sidecar.SecurityContext.ReadOnlyRootFilesystem);
        }
        Assert.Equal(values == ValueSets.HostPid, pod.HostPID == true);
    }

    [Fact]
    public async Task Sidecars_OfEveryNode_AskTheirOwnDaemon()
    {
        var pod = await PodAsync(ValueSets.Default);

        Assert.Equal(["lamina", "provisioner", "snapshotter", "resizer", "registrar", "liveness-probe"], pod.Containers.Select(container => container.Name));
        Assert.All(pod.Containers.Skip(1), sidecar => Assert.Contains("--csi-address=/csi/csi.sock", sidecar.Args));
        Assert.Superset(
            new HashSet<string> { "--node-deployment", "--enable-capacity", "--capacity-ownerref-level=1", "--strict-topology", "--immediate-topology=false", "--extra-create-metadata" },
            Sidecar(pod, "provisioner").Args.ToHashSet());
        Assert.Equal(["NAMESPACE", "NODE_NAME", "POD_NAME"], Sidecar(pod, "provisioner").Env.Select(variable => variable.Name).Order());
        Assert.Contains("--node-deployment", Sidecar(pod, "snapshotter").Args);
        Assert.DoesNotContain("--leader-election", Sidecar(pod, "snapshotter").Args);
        Assert.Contains("--leader-election", Sidecar(pod, "resizer").Args);
        Assert.Contains("--kubelet-registration-path=/var/lib/kubelet/plugins/csi.lamina.dev/csi.sock", Sidecar(pod, "registrar").Args);
    }

    [Fact]
    public async Task Snapshotter_OfASingleNode_MakesGroupsWhenTheyAreWanted()
    {
        const string gate = "--feature-gates=CSIVolumeGroupSnapshot=true";
        var pod = await PodAsync(ValueSets.SingleNode);

        Assert.DoesNotContain("--node-deployment", Sidecar(pod, "snapshotter").Args);
        Assert.Contains(gate, Sidecar(pod, "snapshotter").Args);
        // Without their CRDs it would wait for these for ever, and make no other snapshots.
        Assert.DoesNotContain(gate, Sidecar(await PodAsync("singleNode: true"), "snapshotter").Args);
        Assert.DoesNotContain(gate, Sidecar(await PodAsync(ValueSets.Default), "snapshotter").Args);
    }

    // A flag that a sidecar does not know ends it. These are read from the source of the chart's own versions and of those for clusters before 1.34; none
    // of them changed between the two.
    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Flags_OfTheSidecars_AreThoseThatBothOfTheirVersionsHave(string values)
    {
        var pod = await PodAsync(values);
        Dictionary<string, string[]> known = new()
        {
            ["provisioner"] = ["csi-address", "node-deployment", "strict-topology", "immediate-topology", "enable-capacity", "capacity-ownerref-level", "extra-create-metadata"],
            ["snapshotter"] = ["csi-address", "extra-create-metadata", "node-deployment", "leader-election", "leader-election-namespace", "feature-gates"],
            ["resizer"] = ["csi-address", "leader-election", "leader-election-namespace", "handle-volume-inuse-error"],
            ["registrar"] = ["csi-address", "kubelet-registration-path"],
            ["liveness-probe"] = ["csi-address", "health-port", "probe-timeout"],
        };

        foreach (var sidecar in pod.Containers.Where(container => container.Name != "lamina"))
            Assert.Subset(known[sidecar.Name].ToHashSet(), sidecar.Args.Select(argument => argument[2..].Split('=')[0]).ToHashSet());
    }

    // Both of each sidecar's tags, and that the file for older clusters names all of them.
    [Fact]
    public async Task Sidecars_ForOlderClusters_AreOfOtherVersions()
    {
        var own = (await PodAsync(ValueSets.Default)).Containers.ToDictionary(container => container.Name, container => container.Image);
        var older = (await PodAsync(ValueSets.OlderKubernetes)).Containers.ToDictionary(container => container.Name, container => container.Image);

        Assert.Equal(own.Keys, older.Keys);
        Assert.All(own.Keys.Where(name => name != "lamina"), name =>
        {
            Assert.Equal(own[name].Split(':')[0], older[name].Split(':')[0]);
            Assert.True(Version.Parse(own[name].Split(":v")[1]) > Version.Parse(older[name].Split(":v")[1]), $"{own[name]}, {older[name]}");
        });
    }

    [Fact]
    public async Task ZfsPool_IsServedByTheNodesOwnCommands_AndNothingOfThatIsThereWithoutOne()
    {
        var (options, pools) = await ConfigurationAsync(ValueSets.Zfs);
        var pod = await PodAsync(ValueSets.Zfs);
        var proc = Assert.Single(Daemon(pod).VolumeMounts, mount => mount.Name == "proc");

        Assert.Equal("tank Zfs tank/lamina", pools.Where(pool => pool.IsDefault).Select(pool => $"{pool.Name} {pool.Backend} {pool.Path}").Single());
        Assert.Equal("/host/proc/1/ns/mnt", options.Zfs.MountNamespace);
        Assert.Equal(("/host/proc", true, null), (proc.MountPath, proc.ReadOnlyProperty == true, proc.MountPropagation));
        Assert.Equal("/proc", pod.Volumes.Single(volume => volume.Name == "proc").HostPath.Path);
        Assert.False(pod.HostPID == true);
        // What the node's commands mount under /run/lamina is seen here, and goes with what is unmounted here.
        Assert.Equal("Bidirectional", Daemon(pod).VolumeMounts.Single(mount => mount.MountPath == "/run/lamina").MountPropagation);

        Assert.Empty((await ConfigurationAsync(ValueSets.Pools)).Options.Zfs.MountNamespace);
        Assert.DoesNotContain((await PodAsync(ValueSets.Pools)).Volumes, volume => volume.Name == "proc");
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Ports_OfProbes_AreThoseThatSomebodyListensOn(string values)
    {
        var pod = await PodAsync(values);
        var ports = Daemon(pod).Ports.ToDictionary(port => port.Name, port => port.ContainerPort);

        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"--health-port={ports["healthz"]}"), Sidecar(pod, "liveness-probe").Args);
        Assert.EndsWith($":{ports["metrics"]}", (await ConfigurationAsync(values)).Options.Metrics.Address, StringComparison.Ordinal);
        Assert.NotEqual(ports["healthz"], ports["metrics"]);
        Assert.Equal(("healthz", "healthz", "metrics"),
            (Daemon(pod).StartupProbe.HttpGet.Port.Value, Daemon(pod).LivenessProbe.HttpGet.Port.Value, Daemon(pod).ReadinessProbe.HttpGet.Port.Value));
    }

    [Fact]
    public async Task Pods_ComeFirst_AndAreReplacedOneNodeAtATime()
    {
        var spec = (await ChartRenderer.ModelsAsync<V1DaemonSet>(ValueSets.Default)).Single().Spec;

        Assert.Equal("system-node-critical", spec.Template.Spec.PriorityClassName);
        Assert.Equal("Exists", spec.Template.Spec.Tolerations.Single().OperatorProperty);
        Assert.Equal("1", spec.UpdateStrategy.RollingUpdate.MaxUnavailable.Value);
    }

    [Fact]
    public async Task Quota_ForTheirPriority_IsThereWhereItIsWanted()
    {
        var scope = (await ChartRenderer.ModelsAsync<V1ResourceQuota>(ValueSets.Monitored)).Single().Spec.ScopeSelector.MatchExpressions.Single();

        Assert.Equal(("PriorityClass", "In", "system-node-critical"), (scope.ScopeName, scope.OperatorProperty, scope.Values.Single()));
        Assert.Empty(await ChartRenderer.ModelsAsync<V1ResourceQuota>(ValueSets.Default));
        Assert.Null((await PodAsync(ValueSets.HostPid)).PriorityClassName);
        Assert.Empty(await ChartRenderer.ModelsAsync<V1ResourceQuota>("{ priorityQuota: true, priorityClassName: \"\" }"));
    }

    // An image of one architecture does not start on nodes of another.
    [Theory]
    [InlineData(ValueSets.Default, "amd64")]
    [InlineData(ValueSets.HostPid, "amd64")]
    [InlineData("nodeSelector: { kubernetes.io/arch: arm64 }", "arm64")]
    [InlineData("nodeSelector: { kubernetes.io/arch: null }", null)]
    public async Task Nodes_OfThePods_AreOfTheImagesArchitecture(string values, string? architecture)
    {
        var selector = (await PodAsync(values)).NodeSelector;

        Assert.Equal("linux", selector["kubernetes.io/os"]);
        Assert.Equal(architecture, selector.TryGetValue("kubernetes.io/arch", out var found) ? found : null);
    }

    [Fact]
    public async Task Configuration_Changed_RestartsThePods()
    {
        // What changes the pods' template makes new pods.
        Assert.NotEqual(await ConfigurationFileAsync(ValueSets.Default), await ConfigurationFileAsync("maxVolumesPerNode: 7"));
        Assert.Equal(await ConfigurationFileAsync(ValueSets.Default), await ConfigurationFileAsync("storageClasses: []"));
    }

    // Its account may write ConfigMaps of the namespace, and have them deleted by giving them an owner that is not there.
    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Configuration_IsNothingThatTheDaemonMayWrite(string values)
    {
        var pod = await PodAsync(values);

        Assert.All(pod.Volumes, volume => Assert.Null(volume.ConfigMap));
        Assert.All(pod.Containers, container => Assert.Empty(container.EnvFrom ?? []));
    }

    // As the kubelet makes it of the pod itself.
    private static async Task<string> ConfigurationFileAsync(string values)
    {
        var template = (await ChartRenderer.ModelsAsync<V1DaemonSet>(values)).Single().Spec.Template;
        var file = template.Spec.Volumes.Single(volume => volume.Name == "configuration").DownwardAPI.Items.Single();
        Assert.Equal(("lamina.json", "metadata.annotations['lamina.dev/configuration']"), (file.Path, file.FieldRef.FieldPath));
        return template.Metadata.Annotations["lamina.dev/configuration"];
    }

    private static async Task<V1PodSpec> PodAsync(string values) => (await ChartRenderer.ModelsAsync<V1DaemonSet>(values)).Single().Spec.Template.Spec;

    private static IEnumerable<string> MadeByTheKubelet(V1PodSpec pod) =>
        pod.Volumes.Select(volume => volume.HostPath).OfType<V1HostPathVolumeSource>().Where(host => host.Type == "DirectoryOrCreate").Select(host => host.Path).Order(StringComparer.Ordinal);

    private static V1Container Daemon(V1PodSpec pod) => Sidecar(pod, "lamina");

    private static V1Container Sidecar(V1PodSpec pod, string name) => pod.Containers.Single(container => container.Name == name);

    // As the daemon reads it in its pod: the file, and over it the variables, filled in as the kubelet does.
    private static async Task<(LaminaOptions Options, IReadOnlyList<PoolSettings> Pools)> ConfigurationAsync(string values)
    {
        var address = values == ValueSets.Monitored ? "fd00::3" : "10.1.2.3";
        var json = await ConfigurationFileAsync(values);
        var variables = Daemon(await PodAsync(values)).Env.ToDictionary(variable => variable.Name, variable => variable switch
        {
            { ValueFrom.FieldRef.FieldPath: "spec.nodeName" } => "node-1",
            { ValueFrom.FieldRef.FieldPath: "status.podIP" } => address,
            { ValueFrom.FieldRef.FieldPath: "metadata.namespace" } => "lamina",
            _ => variable.Value.Replace("$(POD_IP)", address, StringComparison.Ordinal),
        });
        var keys = variables.Where(variable => variable.Key.StartsWith("LAMINA_", StringComparison.Ordinal))
            .Select(variable => KeyValuePair.Create(variable.Key["LAMINA_".Length..].Replace("__", ":", StringComparison.Ordinal), (string?)variable.Value))
            .Append(new("csi:endpoint", variables["CSI_ENDPOINT"]));
        return ConfigurationReader.Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).AddInMemoryCollection(keys).Build());
    }
}
