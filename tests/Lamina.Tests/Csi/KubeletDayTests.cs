using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>The calls of a kubelet and its sidecars in their order, on real pools, with pods as processes in their own mount namespace.</summary>
public sealed class KubeletDayTests
{
    private const long Size = 320L << 20;
    private const long LargerSize = 384L << 20;

    /// <summary>A backend, the disk beneath it, and the filesystem of the volumes' own, if any.</summary>
    public static TheoryData<PoolBackend, FileSystemKind, string> Pools => new()
    {
        { PoolBackend.Overlay2, FileSystemKind.Ext4, "" }, { PoolBackend.Btrfs, FileSystemKind.Btrfs, "" }, { PoolBackend.Overlay2, FileSystemKind.Xfs, "xfs" },
    };

    [Theory]
    [MemberData(nameof(Pools))]
    public async Task Day_OnWhichTheDaemonIsKilledAfterEachCall_EndsWell(PoolBackend backend, FileSystemKind disk, string fileSystem)
    {
        await using var day = await KubeletDay.StartAsync(backend, disk);
        await LiveAsync(day, Requests.Mount(Mode.SingleNodeMultiWriter, fileSystem));
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public async Task Reboot_WithPodsThatWereNeverUnpublished_GivesThemTheirVolumeAgain(PoolBackend backend, FileSystemKind disk, string fileSystem)
    {
        await using var day = await KubeletDay.StartAsync(backend, disk);
        await RebootAsync(day, Requests.Mount(Mode.SingleNodeMultiWriter, fileSystem));
    }

    /// <summary>Two pods with one volume, from the registration to the deletion.</summary>
    internal static async Task LiveAsync(KubeletDay day, Wire.VolumeCapability capability)
    {
        await RegisterAsync(day);
        var volume = await CreateAsync(day, "pvc-1", capability);
        var staging = day.StagingOf("pvc-1");
        var (first, second) = (day.TargetOf("first"), day.TargetOf("second"));
        await day.CallAsync(csi => csi.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging, capability)));
        await day.CallAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, first, capability)));
        using (var pod = OtherMountNamespace.Hold(first))
        {
            // What runs in the pod has it open through all that comes, and goes on writing.
            await using var log = File.AppendText(Path.Combine(pod.Path, "log"));
            await File.WriteAllTextAsync(Path.Combine(pod.Path, "file"), "of the first pod");
            await day.CallAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, second, capability)));
            using (var other = OtherMountNamespace.Hold(second))
            {
                await AppendAsync(log, "both are published");
                Assert.Equal("of the first pod", await File.ReadAllTextAsync(Path.Combine(other.Path, "file")));
                await File.WriteAllTextAsync(Path.Combine(other.Path, "file"), "of both");
                await ExpandAsync(day, volume, first, staging, capability);
                // As after a restart of the kubelet: again and again, and no mount on another.
                await day.CallAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, first, capability)));
                Assert.Equal((1, 1), (CsiDaemon.MountsAt(first), CsiDaemon.MountsAt(second)));
                Assert.Equal("of both", await File.ReadAllTextAsync(Path.Combine(pod.Path, "file")));
                await AppendAsync(log, "it has grown");
                Assert.Equal(["both are published", "it has grown"], await File.ReadAllLinesAsync(Path.Combine(other.Path, "log")));
            }
        }

        await day.CallAsync(csi => csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = first }));
        await UseAsync(second, "of both", "of the second pod");
        await day.CallAsync(csi => csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = second }));
        Assert.False(Path.Exists(first) || Path.Exists(second));
        Assert.Empty(KubeletDay.ReferencesTo(staging));
        await day.CallAsync(csi => csi.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging }));
        Assert.Equal((0, 0), (CsiDaemon.MountsAt(day.Directory), CsiDaemon.MountsAt(day.RuntimeDirectory)));

        await RestoreAsync(day, volume, capability);
        await day.CallAsync(csi => csi.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
        Assert.Empty((await day.AskAsync(csi => csi.Controller.ListVolumesAsync(new()))).Entries);
    }

    /// <summary>The machine goes down with two pods; one of them comes back, the other one was deleted meanwhile.</summary>
    internal static async Task RebootAsync(KubeletDay day, Wire.VolumeCapability capability)
    {
        var volume = await CreateAsync(day, "pvc-1", capability);
        var (staging, target, deleted) = (day.StagingOf("pvc-1"), day.TargetOf("pod"), day.TargetOf("deleted"));
        await day.AskAsync(csi => csi.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging, capability)));
        await day.AskAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, target, capability)));
        await day.AskAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, deleted, capability)));
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "before");

        day.PowerOff();
        await day.StartAsync();

        // The directories of yesterday are still there, and empty. One of them is cleaned up, whatever the daemon remembers.
        await day.CallAsync(csi => csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = deleted }));
        Assert.False(Path.Exists(deleted));
        await day.CallAsync(csi => csi.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging, capability)));
        await day.CallAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(volume, staging, target, capability)));
        await UseAsync(target, "before", "after");
        await day.CallAsync(csi => csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target }));
        Assert.Empty(KubeletDay.ReferencesTo(staging));
        await day.CallAsync(csi => csi.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging }));
        await day.CallAsync(csi => csi.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
        Assert.Equal((0, 0), (CsiDaemon.MountsAt(day.Directory), CsiDaemon.MountsAt(day.RuntimeDirectory)));
    }

    [Fact]
    public void References_ToWhatIsMountedElsewhereToo_AreFound()
    {
        var (staging, other) = (TestScratch.NewDirectory("staging"), TestScratch.NewDirectory("other"));
        Assert.Empty(KubeletDay.ReferencesTo(staging));
        using var mounted = new Hidden(staging);
        using (var source = Files.Open(staging, OpenFlags.Path | OpenFlags.Directory))
        using (var tree = Mounts.CloneTree(source))
            Mounts.Attach(tree, other);
        try
        {
            Assert.Equal([other], KubeletDay.ReferencesTo(staging));
        }
        finally
        {
            Mounts.Unmount(other);
        }
    }

    // The registrar's calls, and those that the provisioner begins with.
    private static async Task RegisterAsync(KubeletDay day)
    {
        Assert.Equal("csi.lamina.dev", (await day.CallAsync(csi => csi.Identity.GetPluginInfoAsync(new()))).Name);
        Assert.Equal("node-1", (await day.AskAsync(csi => csi.Node.NodeGetInfoAsync(new()))).NodeId);
        Assert.NotEmpty((await day.AskAsync(csi => csi.Identity.GetPluginCapabilitiesAsync(new()))).Capabilities);
        Assert.NotEmpty((await day.AskAsync(csi => csi.Controller.ControllerGetCapabilitiesAsync(new()))).Capabilities);
        Assert.True((await day.AskAsync(csi => csi.Controller.GetCapacityAsync(new() { AccessibleTopology = Requests.Place("node-1") }))).AvailableCapacity > 0);
    }

    private static async Task<string> CreateAsync(KubeletDay day, string name, Wire.VolumeCapability capability, Wire.VolumeContentSource? source = null, long size = Size)
    {
        var request = new Wire.CreateVolumeRequest
        {
            Name = name,
            VolumeCapabilities = { capability },
            CapacityRange = new() { RequiredBytes = size },
            VolumeContentSource = source,
            AccessibilityRequirements = new() { Requisite = { Requests.Place("node-1") }, Preferred = { Requests.Place("node-1") } },
            Parameters = { ["csi.storage.k8s.io/pvc/name"] = "data", ["csi.storage.k8s.io/pvc/namespace"] = "default", ["csi.storage.k8s.io/pv/name"] = name },
        };
        var volume = (await day.CallAsync(csi => csi.Controller.CreateVolumeAsync(request))).Volume;
        Assert.Equal("node-1", Assert.Single(volume.AccessibleTopology).Segments["topology.lamina.dev/node"]);
        return volume.VolumeId;
    }

    // What runs in a pod reads what another wrote, and writes.
    private static async Task UseAsync(string target, string expected, string written)
    {
        using var pod = OtherMountNamespace.Hold(target);
        Assert.Equal(expected, await File.ReadAllTextAsync(Path.Combine(pod.Path, "file")));
        await File.WriteAllTextAsync(Path.Combine(pod.Path, "file"), written);
    }

    private static async Task AppendAsync(StreamWriter log, string line)
    {
        await log.WriteLineAsync(line);
        await log.FlushAsync();
    }

    private static async Task ExpandAsync(KubeletDay day, string volume, string target, string staging, Wire.VolumeCapability capability)
    {
        var request = new Wire.NodeExpandVolumeRequest
        {
            VolumeId = volume, VolumePath = target, StagingTargetPath = staging, VolumeCapability = capability, CapacityRange = new() { RequiredBytes = LargerSize },
        };
        Assert.Equal(LargerSize, (await day.CallAsync(csi => csi.Node.NodeExpandVolumeAsync(request))).CapacityBytes);
        var statistics = await day.AskAsync(csi => csi.Node.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = target, StagingTargetPath = staging }));
        Assert.True(statistics.Usage[0].Total > 0);
    }

    private static async Task RestoreAsync(KubeletDay day, string volume, Wire.VolumeCapability capability)
    {
        var cut = (await day.CallAsync(csi => csi.Controller.CreateSnapshotAsync(new() { Name = "snapshot-1", SourceVolumeId = volume }))).Snapshot;
        Assert.Equal((true, LargerSize), (cut.ReadyToUse, cut.SizeBytes));
        var restored = await CreateAsync(day, "pvc-2", capability, Requests.FromSnapshot(cut.SnapshotId), LargerSize);
        var (staging, target) = (day.StagingOf("pvc-2"), day.TargetOf("third"));
        await day.AskAsync(csi => csi.Node.NodeStageVolumeAsync(Requests.Stage(restored, staging, capability)));
        await day.AskAsync(csi => csi.Node.NodePublishVolumeAsync(Requests.Publish(restored, staging, target, capability)));
        await UseAsync(target, "of the second pod", "restored");
        await day.AskAsync(csi => csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = restored, TargetPath = target }));
        Assert.Empty(KubeletDay.ReferencesTo(staging));
        await day.AskAsync(csi => csi.Node.NodeUnstageVolumeAsync(new() { VolumeId = restored, StagingTargetPath = staging }));
        await day.AskAsync(csi => csi.Controller.DeleteVolumeAsync(new() { VolumeId = restored }));
        await day.CallAsync(csi => csi.Controller.DeleteSnapshotAsync(new() { SnapshotId = cut.SnapshotId }));
    }
}
