using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Chart.Tests.Models;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Tests;
using Wire = Csi.V1;

namespace Lamina.Chart.Tests;

/// <summary>The examples are what Kubernetes and the daemon take, and name what the chart makes.</summary>
public sealed class ExampleTests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Repository.PathOf("deploy/kubernetes/examples"), "*.yaml").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Example_HasOnlyKnownFields(string file)
    {
        var objects = await ReadAsync(file);

        Assert.NotEmpty(objects);
        Assert.All(objects, @object => Kinds.Read(@object));
    }

    [Fact]
    public async Task Classes_OfTheExamples_AreThoseOfTheChart()
    {
        var chart = (await ChartRenderer.ObjectsAsync(ValueSets.Default)).Select(Kinds.Read).ToList();
        var objects = await ReadAllAsync();
        // Those of a zfs pool come with an example.
        var storage = chart.Concat(objects).OfType<V1StorageClass>().Select(@class => @class.Metadata.Name).ToList();
        var snapshots = chart.OfType<SnapshotClass>().Select(@class => @class.Metadata.Name).ToList();

        Assert.All(objects.OfType<V1StorageClass>(), @class => Assert.Equal(("csi.lamina.dev", "WaitForFirstConsumer"), (@class.Provisioner, @class.VolumeBindingMode)));
        Assert.All(Claims(objects), claim => Assert.Contains(claim.StorageClassName, storage));
        Assert.All(objects.OfType<CustomObject<VolumeSnapshotSpec>>(), snapshot => Assert.Contains(snapshot.Spec.VolumeSnapshotClassName, snapshots));
        Assert.All(objects.OfType<SnapshotClass>(), @class => Assert.Equal("csi.lamina.dev", @class.Driver));
        Assert.All(objects.OfType<V1VolumeAttributesClass>(), @class => Assert.Equal("csi.lamina.dev", @class.DriverName));
    }

    [Fact]
    public async Task Sources_OfCopies_AreMadeByOtherExamples()
    {
        var objects = await ReadAllAsync();
        var claims = objects.OfType<V1PersistentVolumeClaim>().Select(claim => claim.Metadata.Name)
            .Concat(objects.OfType<V1StatefulSet>().SelectMany(set => set.Spec.VolumeClaimTemplates.Select(claim => $"{claim.Metadata.Name}-{set.Metadata.Name}-0"))).ToList();
        var snapshots = objects.OfType<CustomObject<VolumeSnapshotSpec>>().ToDictionary(snapshot => snapshot.Metadata.Name);

        Assert.All(snapshots.Values, snapshot => Assert.Contains(snapshot.Spec.Source.PersistentVolumeClaimName, claims));
        Assert.All(Claims(objects).Select(claim => claim.DataSource).OfType<V1TypedLocalObjectReference>(), source =>
            Assert.Contains(source.Name, source.Kind == "VolumeSnapshot" ? snapshots.Keys : claims));
        Assert.Equal(2, Claims(objects).Count(claim => claim.DataSource is not null));
    }

    // A copy is made on the node of its source alone, which the scheduler does not know: a pod that may go elsewhere may wait for ever.
    [Fact]
    public async Task Copies_AreUsedByPodsThatGoToTheNodeOfTheirSource()
    {
        var objects = await ReadAllAsync();
        var labels = objects.OfType<V1StatefulSet>()
            .SelectMany(set => set.Spec.VolumeClaimTemplates.Select(claim => KeyValuePair.Create($"{claim.Metadata.Name}-{set.Metadata.Name}-0", set.Spec.Template.Metadata.Labels))).ToDictionary();
        var snapshots = objects.OfType<CustomObject<VolumeSnapshotSpec>>().ToDictionary(snapshot => snapshot.Metadata.Name, snapshot => snapshot.Spec.Source.PersistentVolumeClaimName!);

        foreach (var copy in objects.OfType<V1PersistentVolumeClaim>().Where(claim => claim.Spec.DataSource is not null))
        {
            var source = copy.Spec.DataSource.Kind == "VolumeSnapshot" ? snapshots[copy.Spec.DataSource.Name] : copy.Spec.DataSource.Name;
            var pods = objects.OfType<V1Pod>().Where(pod => pod.Spec.Volumes.Any(volume => volume.PersistentVolumeClaim?.ClaimName == copy.Metadata.Name)).ToList();

            Assert.NotEmpty(pods);
            Assert.All(pods, pod =>
            {
                var term = Assert.Single(pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution);
                Assert.Equal("kubernetes.io/hostname", term.TopologyKey);
                Assert.NotEmpty(term.LabelSelector.MatchLabels);
                Assert.Subset(labels[source].ToHashSet(), term.LabelSelector.MatchLabels.ToHashSet());
            });
        }
    }

    [Fact]
    public async Task Attributes_OfInlineVolumes_AreThoseThatTheDaemonTakes()
    {
        var inline = (await ReadAllAsync()).OfType<V1Pod>().SelectMany(pod => pod.Spec.Volumes).Select(volume => volume.Csi).OfType<V1CSIVolumeSource>().Single();
        var request = new Wire.NodePublishVolumeRequest
        {
            VolumeId = "csi-" + new string('a', 64),
            TargetPath = "/var/lib/kubelet/pods/p/volumes/kubernetes.io~csi/inline/mount",
            VolumeCapability = new() { Mount = new(), AccessMode = new() { Mode = Wire.VolumeCapability.Types.AccessMode.Types.Mode.SingleNodeWriter } },
            VolumeContext = { inline.VolumeAttributes, { "csi.storage.k8s.io/ephemeral", "true" } },
        };

        Assert.Equal("csi.lamina.dev", inline.Driver);
        Assert.Equal(SizeRange.AtLeast(ByteSize.Parse("1Gi")), EphemeralParser.Parse(request, VolumeAccess.Parse(request.VolumeCapability)).Volume.Size);
    }

    [Theory]
    [MemberData(nameof(ValueSets.All), MemberType = typeof(ValueSets))]
    public async Task Parameters_OfEachStorageClass_AreThoseThatTheDaemonTakes(string values) =>
        Assert.All(await ChartRenderer.ModelsAsync<V1StorageClass>(values), @class => ClassParameters.Parse(@class.Parameters ?? new Dictionary<string, string>()));

    [Fact]
    public async Task Classes_ForZfs_AreTaken_AndTheirSecretIsTheOneThatIsThere()
    {
        var objects = await ReadAllAsync();
        var classes = objects.OfType<V1StorageClass>().ToDictionary(@class => @class.Metadata.Name);
        var secret = objects.OfType<V1Secret>().Single(secret => secret.Metadata.Name == "lamina-zfs-key");
        var encrypted = classes["lamina-zfs-encrypted"].Parameters;

        Assert.Equal(ByteSize.Parse("16Ki"), ClassParameters.Parse(classes["lamina-zfs"].Parameters).Volume.RecordSize);
        Assert.Equal("on", ClassParameters.Parse(encrypted).Volume.Encryption);
        foreach (var role in (string[])["provisioner", "node-stage"])
        {
            Assert.Equal(secret.Metadata.Name, encrypted[$"csi.storage.k8s.io/{role}-secret-name"]);
            Assert.Equal(secret.Metadata.NamespaceProperty, encrypted[$"csi.storage.k8s.io/{role}-secret-namespace"]);
        }
        Assert.NotNull(VolumeKey.Find(secret.StringData));
    }

    // Volumes whose key is gone are gone: it must outlive whatever else somebody deletes.
    [Fact]
    public async Task Key_OfEncryptedVolumes_GoesWithNothingElse()
    {
        var file = await ReadAsync("zfs-key.yaml");
        var manifests = (await ChartRenderer.ReadAsync(Repository.PathOf("deploy/kubernetes/lamina.yaml"))).Select(Kinds.Read).ToList();
        var home = file.Select(Kinds.Read).OfType<V1Namespace>().Single().Metadata.Name;

        Assert.Equal(["v1 Namespace", "v1 Secret"], file.Select(Kinds.KindOf));
        Assert.Equal(home, file.Select(Kinds.Read).OfType<V1Secret>().Single().Metadata.NamespaceProperty);
        Assert.DoesNotContain(home, manifests.OfType<V1Namespace>().Select(@namespace => @namespace.Metadata.Name));
    }

    [Fact]
    public async Task Parameters_OfAttributesClasses_AreThoseThatTheDaemonTakes() =>
        Assert.NotEqual(VolumeAttributes.None, VolumeAttributes.Parse((await ReadAllAsync()).OfType<V1VolumeAttributesClass>().Single().Parameters));

    private static Task<IReadOnlyList<JsonObject>> ReadAsync(string file) => ChartRenderer.ReadAsync(Repository.PathOf($"deploy/kubernetes/examples/{file}"));

    private static async Task<IReadOnlyList<object>> ReadAllAsync()
    {
        var objects = new List<object>();
        foreach (var file in Directory.GetFiles(Repository.PathOf("deploy/kubernetes/examples"), "*.yaml"))
            objects.AddRange((await ChartRenderer.ReadAsync(file)).Select(Kinds.Read));
        return objects;
    }

    private static IEnumerable<V1PersistentVolumeClaimSpec> Claims(IReadOnlyList<object> objects) =>
    [
        .. objects.OfType<V1PersistentVolumeClaim>().Select(claim => claim.Spec),
        .. objects.OfType<V1StatefulSet>().SelectMany(set => set.Spec.VolumeClaimTemplates).Select(claim => claim.Spec),
        .. objects.OfType<V1Pod>().SelectMany(pod => pod.Spec.Volumes).Select(volume => volume.Ephemeral?.VolumeClaimTemplate.Spec).OfType<V1PersistentVolumeClaimSpec>(),
    ];
}
