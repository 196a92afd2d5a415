using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

[Collection<CsiCollection>]
public sealed class PublishingTests(CsiDaemon daemon)
{
    [Fact]
    public async Task NodePublishVolume_AtATarget_MakesItAndUnpublishRemovesIt()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        File.WriteAllText(Path.Combine(target, "file"), "content");
        Assert.Equal(1, CsiDaemon.MountsAt(target));
        await daemon.UnpublishAsync(volume, target);
        Assert.Equal(0, CsiDaemon.MountsAt(target));
        Assert.False(Path.Exists(target));
        await daemon.UnstageAsync(volume, staging);
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task NodePublishVolume_EightAtOnceAndAgain_StacksNoMounts()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var request = Requests.Publish(volume, await daemon.StageAsync(volume), daemon.NewTargetPath());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.NodeService.NodePublishVolumeAsync(request).ResponseAsync));
        await daemon.NodeService.NodePublishVolumeAsync(request);
        Assert.Equal(1, CsiDaemon.MountsAt(request.TargetPath));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => daemon.UnpublishAsync(volume, request.TargetPath)));
        await daemon.UnpublishAsync(volume, request.TargetPath);
        Assert.False(Path.Exists(request.TargetPath));
    }

    [Fact]
    public async Task NodePublishVolume_OfEightVolumesAtOneTarget_MountsOne()
    {
        var target = daemon.NewTargetPath();
        var requests = new List<Wire.NodePublishVolumeRequest>();
        for (var i = 0; i < 8; i++)
        {
            var volume = (await daemon.CreateAsync()).VolumeId;
            requests.Add(Requests.Publish(volume, await daemon.StageAsync(volume), target));
        }
        var calls = requests.Select(request => daemon.NodeService.NodePublishVolumeAsync(request)).ToList();
        await Task.WhenAll(calls.Select(call => call.ResponseAsync.ContinueWith(_ => { }, TaskScheduler.Default)));
        Assert.Equal(7, calls.Count(call => call.GetStatus().StatusCode == StatusCode.AlreadyExists));
        Assert.Equal(1, CsiDaemon.MountsAt(target));
    }

    [Theory]
    [InlineData(Mode.SingleNodeWriter, true)]
    [InlineData(Mode.SingleNodeReaderOnly, true)]
    [InlineData(Mode.SingleNodeSingleWriter, true)]
    [InlineData(Mode.SingleNodeMultiWriter, false)]
    [InlineData(Mode.MultiNodeReaderOnly, false)]
    [InlineData(Mode.MultiNodeSingleWriter, false)]
    [InlineData(Mode.MultiNodeMultiWriter, false)]
    public async Task NodePublishVolume_AtASecondTarget_GoesByTheMode(Mode mode, bool isExclusive)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume, Requests.Mount(mode));
        var first = await daemon.PublishAsync(volume, staging, Requests.Mount(mode));
        var second = Requests.Publish(volume, staging, daemon.NewTargetPath(), Requests.Mount(mode));
        if (isExclusive)
        {
            Assert.Contains(first, await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(second)), StringComparison.Ordinal);
            Assert.False(Path.Exists(second.TargetPath));
            await daemon.UnpublishAsync(volume, first);
        }
        await daemon.NodeService.NodePublishVolumeAsync(second);
        Assert.Equal(1, CsiDaemon.MountsAt(second.TargetPath));
    }

    public static TheoryData<bool, Wire.VolumeCapability> ReadOnly => new()
    {
        { true, Requests.Mount() },
        { false, Requests.Mount(Mode.SingleNodeReaderOnly) },
        { false, Requests.Mount(Mode.MultiNodeReaderOnly) },
        { false, Requests.Mount(Mode.SingleNodeWriter, "", "ro") },
    };

    [Theory]
    [MemberData(nameof(ReadOnly))]
    public async Task NodePublishVolume_ReadOnlyInAnyWay_CanNotBeWritten(bool readOnly, Wire.VolumeCapability capability)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume, capability);
        var target = await daemon.PublishAsync(volume, staging, capability, readOnly);
        Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(target, "file"), "content"));
        Assert.True(MountTable.Read().FindTop(target)!.IsReadOnly);
    }

    [Fact]
    public async Task NodePublishVolume_AgainWithOtherArguments_AlreadyExists()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var request = Requests.Publish(volume, await daemon.StageAsync(volume), daemon.NewTargetPath());
        await daemon.NodeService.NodePublishVolumeAsync(request);
        await Refused.AsAsync(StatusCode.AlreadyExists, daemon.NodeService.NodePublishVolumeAsync(new(request) { Readonly = true }));
        await Refused.AsAsync(
            StatusCode.AlreadyExists, daemon.NodeService.NodePublishVolumeAsync(new(request) { VolumeCapability = Requests.Mount(Mode.SingleNodeMultiWriter) }));
        await daemon.NodeService.NodePublishVolumeAsync(request);
    }

    [Fact]
    public async Task NodePublishVolume_WhereAnotherVolumeIs_AlreadyExists()
    {
        var first = (await daemon.CreateAsync()).VolumeId;
        var target = await daemon.PublishAsync(first, await daemon.StageAsync(first));
        var second = (await daemon.CreateAsync()).VolumeId;
        await Refused.AsAsync(StatusCode.AlreadyExists, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(second, await daemon.StageAsync(second), target)));
        // And the other volume's unpublish leaves it alone.
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = second, TargetPath = target }));
        Assert.Equal(1, CsiDaemon.MountsAt(target));
    }

    [Fact]
    public async Task NodePublishVolume_WhereSomethingElseIsMounted_IsRefused()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = daemon.NewTargetPath();
        Directory.CreateDirectory(target);
        using (var mount = Mounts.CreateFileSystem("tmpfs", "foreign", [], MountAttributes.None))
            Mounts.Attach(mount, target);
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target)));
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target }));
        Assert.Equal("tmpfs", MountTable.Read().FindTop(target)!.FileSystemType);
        Mounts.Unmount(target);
    }

    [Fact]
    public async Task NodePublishVolume_WhereFilesOfOthersAre_HidesNone()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = daemon.NewTargetPath();
        Directory.CreateDirectory(target);
        File.WriteAllText(Path.Combine(target, "precious"), "data");
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target)));
        Assert.Equal("data", File.ReadAllText(Path.Combine(target, "precious")));
        Assert.Equal(0, CsiDaemon.MountsAt(target));
    }

    [Fact]
    public async Task NodePublishVolume_ThatIsNotStaged_IsRefused()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, "", daemon.NewTargetPath())));
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, "/not/staged", daemon.NewTargetPath())));
    }

    [Fact]
    public async Task NodePublishVolume_AtASymbolicLink_IsRefusedAndTouchesNothing()
    {
        var victim = TestScratch.NewDirectory("someone-else");
        File.WriteAllText(Path.Combine(victim, "precious"), "data");
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var link = daemon.NewTargetPath();
        File.CreateSymbolicLink(link, victim);
        var throughParent = Path.Combine(link, "mount");
        foreach (var target in (string[])[link, throughParent])
            await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target)));
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = link }));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = throughParent }));
        Assert.Equal(0, CsiDaemon.MountsAt(victim));
        Assert.Equal(["precious"], Directory.GetFileSystemEntries(victim).Select(Path.GetFileName));
        Assert.True(Path.Exists(link));
    }

    public static TheoryData<StatusCode, Action<Wire.NodePublishVolumeRequest>> Wrong => new()
    {
        { StatusCode.InvalidArgument, request => request.VolumeId = "" },
        { StatusCode.InvalidArgument, request => request.TargetPath = "" },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = null },
        { StatusCode.InvalidArgument, request => (request.VolumeId, request.VolumeCapability) = ("nowhere", null) },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Block() },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Mount(fileSystem: "btrfs") },
        { StatusCode.InvalidArgument, request => request.VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "bind") },
        { StatusCode.InvalidArgument, request => request.TargetPath = "relative" },
        { StatusCode.InvalidArgument, request => request.TargetPath = "/" },
        { StatusCode.InvalidArgument, request => request.TargetPath = "/no/such/parent/at/all" },
        { StatusCode.InvalidArgument, request => request.TargetPath = "/etc/../etc/x" },
        { StatusCode.InvalidArgument, request => request.TargetPath += new string('t', 300) },
        { StatusCode.InvalidArgument, request => request.TargetPath = "/proc/lamina" },
        { StatusCode.InvalidArgument, request => request.TargetPath = "/dev/null/mount" },
        { StatusCode.FailedPrecondition, request => request.TargetPath = "/dev/null" },
        { StatusCode.InvalidArgument, request => request.VolumeCapability.Mount.VolumeMountGroup = "users" },
        { StatusCode.InvalidArgument, request => request.VolumeCapability.Mount.VolumeMountGroup = "4294967295" },
        { StatusCode.NotFound, request => (request.VolumeId, request.TargetPath) = ("nowhere", "relative") },
        { StatusCode.NotFound, request => request.VolumeId += "-nowhere" },
        { StatusCode.Unavailable, request => request.VolumeId = "aaaaaaaaaaaaa.data" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task NodePublishVolume_WithSomethingWrong_HasItsCode(StatusCode code, Action<Wire.NodePublishVolumeRequest> spoil)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var request = Requests.Publish(volume, await daemon.StageAsync(volume), daemon.NewTargetPath());
        spoil(request);
        await Refused.AsAsync(code, daemon.NodeService.NodePublishVolumeAsync(request));
    }

    [Fact]
    public async Task NodeUnpublishVolume_ThatIsNotPublished_IsFine()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        await daemon.UnpublishAsync(volume, daemon.NewTargetPath());
        await daemon.UnpublishAsync(volume, "/gone/long/ago");
        await daemon.UnpublishAsync(volume + "-deleted", daemon.NewTargetPath());
        await daemon.UnpublishAsync("aaaaaaaaaaaaa.data", daemon.NewTargetPath());
        var left = daemon.NewTargetPath();
        Directory.CreateDirectory(left);
        await daemon.UnpublishAsync(volume, left);
        Assert.False(Path.Exists(left));
    }

    [Fact]
    public async Task NodeUnpublishVolume_WhereFilesOfOthersAre_LeavesThem()
    {
        var target = daemon.NewTargetPath();
        Directory.CreateDirectory(target);
        File.WriteAllText(Path.Combine(target, "precious"), "data");
        var volume = (await daemon.CreateAsync()).VolumeId;
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target }));
        Assert.Equal("data", File.ReadAllText(Path.Combine(target, "precious")));
    }

    [Fact]
    public async Task NodeUnpublishVolume_WithFilesOpen_IsRefusedUntilTheyAreClosed()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var target = await daemon.PublishAsync(volume, await daemon.StageAsync(volume));
        await using (File.Create(Path.Combine(target, "open")))
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume, TargetPath = target }));
        await daemon.UnpublishAsync(volume, target);
    }

    [Fact]
    public async Task NodeUnpublishVolume_Otherwise_SaysWhatIsWrong()
    {
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeUnpublishVolumeAsync(new()));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = "nowhere" }));
        await Refused.AsAsync(StatusCode.NotFound, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = "nowhere", TargetPath = "/x" }));
        await Refused.AsAsync(
            StatusCode.InvalidArgument, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = (await daemon.CreateAsync()).VolumeId, TargetPath = "relative" }));
    }
}
