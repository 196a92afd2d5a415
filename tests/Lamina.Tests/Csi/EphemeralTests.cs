using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Ephemeral;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Inline ephemeral volumes, as a kubelet asks for them.</summary>
public sealed class EphemeralTests : IAsyncLifetime
{
    private const string Ephemeral = "csi.storage.k8s.io/ephemeral";
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        _daemon = await CsiDaemon.StartAsync(
        [
            .. CsiPools.Overlay("default", "--default"), .. CsiPools.Btrfs("open", _disk, "--ephemeral=true"), .. CsiPools.Btrfs("closed", _disk),
            .. CsiPools.Bind(_disk.MountPoint),
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Fact]
    public async Task NodePublishVolume_Twice_MakesOneVolumeThatUnpublishDeletes()
    {
        var request = NewPod();
        await PublishAsync(request);
        File.WriteAllText(Path.Combine(request.TargetPath, "file"), "content");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _daemon.NodeService.NodePublishVolumeAsync(request).ResponseAsync));
        Assert.Equal("content", File.ReadAllText(Path.Combine(request.TargetPath, "file")));
        Assert.Equal(1, CsiDaemon.MountsAt(request.TargetPath));
        var volume = Assert.Single(Volumes());
        Assert.Equal(request.VolumeId, volume.Ephemeral!.Id.ToString());
        Assert.Equal("pod-1", volume.Labels["csi.storage.k8s.io/pod.name"]);

        await UnpublishAsync(request);
        Assert.Empty(Volumes());
        Assert.False(Path.Exists(request.TargetPath));
        Assert.Equal(0, CsiDaemon.MountsAt(Path.Combine(_daemon.Daemon.RuntimeDirectory, "mounts")));
        await UnpublishAsync(request);
        await _daemon.UnpublishAsync("csi-unheard-of", _daemon.NewTargetPath());
    }

    [Fact]
    public async Task NodePublishVolume_WithAttributes_FollowsThem()
    {
        var request = NewPod(("size", "64Mi"), ("pool", "open"), ("compression", "zstd"), ("fsType", "btrfs"));
        await PublishAsync(request);
        using (var root = Files.OpenDirectory(request.TargetPath))
            Assert.Equal("zstd", Btrfs.GetCompression(root));
        Assert.Equal(64 << 20, Assert.Single(Volumes()).Size?.Bytes);
        Assert.NotEmpty((await _daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = request.VolumeId, VolumePath = request.TargetPath })).Usage);
        await Refused.AsAsync(StatusCode.NotFound, _daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = request.VolumeId, VolumePath = "/etc" }));

        var other = new Wire.NodePublishVolumeRequest(request) { VolumeContext = { ["size"] = "128Mi" } };
        Assert.Contains("size", await Refused.AsAsync(StatusCode.AlreadyExists, _daemon.NodeService.NodePublishVolumeAsync(other)), StringComparison.Ordinal);
        await UnpublishAsync(request);
    }

    [Fact]
    public async Task NodePublishVolume_WithAFileSystemOfItsOwn_LeavesNoDevice()
    {
        var request = NewPod(("size", "64Mi"), ("fsType", "ext4"));
        await PublishAsync(request);
        Assert.Equal("ext4", MountTable.Read().FindTop(request.TargetPath)!.FileSystemType);
        Assert.InRange((long)Files.StatFs(request.TargetPath).TotalBytes, 32 << 20, 64 << 20);
        var image = $"/image-volumes/{Assert.Single(Volumes()).Id.Key}/";
        Assert.Contains(LoopDevice.List(), loop => loop.BackingFile.Contains(image, StringComparison.Ordinal));

        await UnpublishAsync(request);

        Assert.Empty(Volumes());
        await Eventually.TrueAsync(() => !LoopDevice.List().Any(loop => loop.BackingFile.Contains(image, StringComparison.Ordinal)), "no loop device is left");
    }

    [Fact]
    public async Task NodePublishVolume_ReadOnlyWithFlagsAndGroup_HasThem()
    {
        var request = NewPod();
        request.VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "noexec");
        request.VolumeCapability.Mount.VolumeMountGroup = "77";
        await PublishAsync(request);
        Assert.Equal(77u, Files.Stat(request.TargetPath).Gid);
        Assert.Contains("noexec", MountTable.Read().FindTop(request.TargetPath)!.Options, StringComparison.Ordinal);
        var reader = NewPod();
        reader.Readonly = true;
        await PublishAsync(reader);
        Assert.True(MountTable.Read().FindTop(reader.TargetPath)!.IsReadOnly);
    }

    public static TheoryData<string, Action<Wire.NodePublishVolumeRequest>> Refusals => new()
    {
        { "'source'", request => request.VolumeContext["source"] = "/etc" },
        { "'uid'", request => request.VolumeContext["uid"] = "0" },
        { "'copyOnWrite'", request => request.VolumeContext["copyOnWrite"] = "false" },
        { "'colour'", request => request.VolumeContext["colour"] = "red" },
        { "not a size", request => request.VolumeContext["size"] = "much" },
        { "of no size", request => request.VolumeContext["size"] = "0" },
        { "'fast'", request => request.VolumeContext["compression"] = "fast" },
        { "overlay2", request => request.VolumeContext["compression"] = "zstd" },
        { "'closed'", request => request.VolumeContext["pool"] = "closed" },
        { "'bind'", request => request.VolumeContext["pool"] = "bind" },
        { "'nowhere'", request => request.VolumeContext["pool"] = "nowhere" },
        { "pool name", request => request.VolumeContext["pool"] = "../x" },
        { "zfs", request => request.VolumeContext["fsType"] = "zfs" },
        { "twice", request => (request.VolumeContext["fsType"], request.VolumeCapability.Mount.FsType) = ("xfs", "ext4") },
        { "staging_target_path", request => request.StagingTargetPath = "/staging" },
        { "raw block", request => request.VolumeCapability = Requests.Block() },
        { "'sync'", request => request.VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "sync") },
        { "inline volume's id", request => request.VolumeId = "aaaaaaaaaaaaa.data" },
        { "inline volume's id", request => request.VolumeId = "csi-../../etc" },
        { "pods/<uid>/volumes", request => request.TargetPath = "/elsewhere/mount" },
        { "absolute", request => request.TargetPath = "pods/x/volumes/y" },
        { "target_path", request => request.TargetPath = "" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task NodePublishVolume_WithWhatIsNotAllowed_SaysWhatAndMakesNothing(string what, Action<Wire.NodePublishVolumeRequest> spoil)
    {
        var request = NewPod();
        spoil(request);
        Assert.Contains(what, await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.NodeService.NodePublishVolumeAsync(request)), StringComparison.Ordinal);
        Assert.Empty(Volumes());
    }

    [Fact]
    public async Task NodePublishVolume_WithoutTheMark_IsNoInlineVolume()
    {
        var request = NewPod();
        request.VolumeContext[Ephemeral] = "false";
        await Refused.AsAsync(StatusCode.NotFound, _daemon.NodeService.NodePublishVolumeAsync(request));
        Assert.Empty(Volumes());
    }

    [Fact]
    public async Task NodePublishVolume_WithTokens_KeepsThemNowhere()
    {
        const string planted = "pLaNtEd";
        var request = NewPod();
        request.VolumeContext["csi.storage.k8s.io/serviceAccount.tokens"] = planted;
        await PublishAsync(request);
        var files = new[] { _daemon.Daemon.Root, _disk.MountPoint }.SelectMany(root => Directory.EnumerateFiles(root, "*.json", SearchOption.AllDirectories));
        Assert.DoesNotContain(files, file => File.ReadAllText(file).Contains(planted, StringComparison.Ordinal));
        Assert.DoesNotContain(planted, Assert.Single(Volumes()).Labels.Values);
        Assert.DoesNotContain(_daemon.Log.GetSnapshot(), line => line.Message.Contains(planted, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Controller_KnowsNothingOfIt()
    {
        var request = NewPod();
        await PublishAsync(request);
        var own = Assert.Single(Volumes()).Id.ToString();
        Assert.Empty((await _daemon.Controller.ListVolumesAsync(new())).Entries);
        foreach (var id in (string[])[own, request.VolumeId])
        {
            await Refused.AsAsync(StatusCode.NotFound, _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = id }));
            await Refused.AsAsync(StatusCode.NotFound, _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = id, CapacityRange = new() { RequiredBytes = 1 } }));
            await Refused.AsAsync(StatusCode.NotFound, _daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(id, _daemon.NewStagingPath())));
            Assert.Contains("goes with the pod", await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id })), StringComparison.Ordinal);
        }
        // Nobody can take its name, or be taken for it.
        var name = Assert.Single(Volumes()).Name;
        await Refused.AsAsync(StatusCode.AlreadyExists, _daemon.Controller.CreateVolumeAsync(Requests.CreateVolume(name)));
        await _daemon.Controller.CreateVolumeAsync(Requests.CreateVolume(request.VolumeId));
        await UnpublishAsync(request);
        Assert.Equal(request.VolumeId, Assert.Single(Volumes()).Name);
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = request.VolumeId });
    }

    [Fact]
    public async Task NodeUnpublishVolume_AfterACrashBetweenUnmountAndDelete_DeletesIt()
    {
        var request = NewPod();
        await PublishAsync(request);
        // As far as a daemon came that was killed in between.
        await _daemon.Daemon.DetachAllAsync();
        Assert.False(Path.Exists(request.TargetPath));
        await _daemon.RestartAsync();
        Assert.Single(Volumes());
        await UnpublishAsync(request);
        Assert.Empty(Volumes());
    }

    [Fact]
    public async Task NodeUnpublishVolume_WithFilesOpen_DeletesNothing()
    {
        var request = NewPod();
        await PublishAsync(request);
        await using (File.Create(Path.Combine(request.TargetPath, "open")))
            await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = request.VolumeId, TargetPath = request.TargetPath }));
        Assert.True(File.Exists(Path.Combine(request.TargetPath, "open")));
        await UnpublishAsync(request);
        Assert.Empty(Volumes());
    }

    [Fact]
    public async Task Restart_WhileThePodLives_KeepsItWhateverIsMounted()
    {
        var request = NewPod();
        await PublishAsync(request);
        File.WriteAllText(Path.Combine(request.TargetPath, "file"), "content");
        await _daemon.Daemon.DetachAllAsync();
        await _daemon.RestartAsync();
        await CollectAsync();
        Assert.Single(Volumes());
        await PublishAsync(request);
        Assert.Equal("content", File.ReadAllText(Path.Combine(request.TargetPath, "file")));
    }

    [Fact]
    public async Task Collection_OfAVolumeWhosePodIsGone_DeletesItAtTheNextStart()
    {
        var (gone, alive) = (NewPod(), NewPod());
        await PublishAsync(gone);
        await PublishAsync(alive);
        // In use: the pod's directory is not what decides.
        await CollectAsync();
        Assert.Equal(2, Volumes().Count);
        await _daemon.Daemon.DetachAllAsync();
        RemovePod(gone);
        await _daemon.RestartAsync();
        await Eventually.TrueAsync(() => Volumes().Count == 1, "the volume of the pod that is gone is collected");
        Assert.Equal(alive.VolumeId, Assert.Single(Volumes()).Ephemeral!.Id.ToString());
    }

    [Fact]
    public async Task Collection_WithoutTheKubeletsDirectory_ProvesNothing()
    {
        var request = NewPod();
        await PublishAsync(request);
        await _daemon.Daemon.DetachAllAsync();
        var pods = Path.GetDirectoryName(PodOf(request))!;
        Directory.Move(pods, pods + "-not-mounted");
        await CollectAsync();
        Assert.Single(Volumes());
        File.CreateSymbolicLink(pods, TestScratch.NewDirectory("empty"));
        await CollectAsync();
        Assert.Single(Volumes());
        File.Delete(pods);
        Directory.CreateDirectory(pods);
        await CollectAsync();
        Assert.Empty(Volumes());
    }

    [Fact]
    public async Task NodeUnpublishVolume_WhereThePoolIsGone_UnmountsAndTheVolumeIsCollectedLater()
    {
        var request = NewPod(("pool", "open"));
        await PublishAsync(request);
        await _daemon.Daemon.StopAsync();
        await using (var other = await CsiDaemon.StartAsync($"--runtimeDirectory={_daemon.Daemon.RuntimeDirectory}", "--pools:open:backend=btrfs", "--pools:open:path=/nowhere/pool"))
        {
            await other.UnpublishAsync(request.VolumeId, request.TargetPath);
            Assert.False(Path.Exists(request.TargetPath));
        }
        RemovePod(request);
        await _daemon.RestartAsync();
        await Eventually.TrueAsync(() => Volumes().Count == 0, "the volume is collected");
    }

    private static string PodOf(Wire.NodePublishVolumeRequest request) => request.TargetPath[..request.TargetPath.IndexOf("/volumes/", StringComparison.Ordinal)];

    private static void RemovePod(Wire.NodePublishVolumeRequest request)
    {
        using var pods = Files.OpenDirectory(Path.GetDirectoryName(PodOf(request))!);
        TreeRemoval.Remove(pods, Path.GetFileName(PodOf(request)), CancellationToken.None);
    }

    private IReadOnlyList<Volume> Volumes() => [.. _daemon.Daemon.Services.GetRequiredService<Catalog>().Volumes()];

    private Task CollectAsync() => _daemon.Daemon.Services.GetRequiredService<EphemeralVolumes>().CollectAsync(CancellationToken.None);

    private Wire.NodePublishVolumeRequest NewPod(params (string Key, string Value)[] attributes)
    {
        var uid = Guid.NewGuid().ToString();
        var target = Path.Combine(_daemon.Kubelet, "pods", uid, "volumes", "kubernetes.io~csi", "scratch", "mount");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        return new()
        {
            VolumeId = "csi-" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Guid.Parse(uid).ToByteArray())),
            TargetPath = target,
            VolumeCapability = Requests.Mount(),
            VolumeContext =
            {
                new Dictionary<string, string>
                {
                    [Ephemeral] = "true",
                    ["csi.storage.k8s.io/pod.name"] = "pod-1",
                    ["csi.storage.k8s.io/pod.namespace"] = "default",
                    ["csi.storage.k8s.io/pod.uid"] = uid,
                    ["csi.storage.k8s.io/serviceAccount.name"] = "default",
                },
                attributes.ToDictionary(pair => pair.Key, pair => pair.Value),
            },
        };
    }

    private async Task PublishAsync(Wire.NodePublishVolumeRequest request) => await _daemon.NodeService.NodePublishVolumeAsync(request);

    private Task UnpublishAsync(Wire.NodePublishVolumeRequest request) => _daemon.UnpublishAsync(request.VolumeId, request.TargetPath);
}
