using Grpc.Core;
using Lamina.Testing;
using Unit = Csi.V1.VolumeUsage.Types.Unit;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Host directories as volumes of Kubernetes.</summary>
public sealed class BindVolumeTests : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("served");
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _daemon = await CsiDaemon.StartAsync($"--bindRoots:0={_root}");
        Directory.CreateDirectory(Path.Combine(_root, "x"));
        await File.WriteAllTextAsync(Path.Combine(_root, "x", "file"), "the host's");
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task BindVolume_FromCreateToDelete_ServesTheDirectoryAndLeavesIt()
    {
        var volume = await CreateAsync("served");
        Assert.Equal(0, volume.CapacityBytes);
        Assert.Equal(volume, await CreateAsync("served"));

        var staging = await _daemon.StageAsync(volume.VolumeId);
        var target = await _daemon.PublishAsync(volume.VolumeId, staging);
        Assert.Equal("the host's", await File.ReadAllTextAsync(Path.Combine(target, "file")));
        await File.WriteAllTextAsync(Path.Combine(target, "written"), "by the pod");
        await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId }));
        await _daemon.UnpublishAsync(volume.VolumeId, target);
        await _daemon.UnstageAsync(volume.VolumeId, staging);
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });

        Assert.Equal(["file", "written"], Directory.GetFileSystemEntries(Path.Combine(_root, "x")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("by the pod", await File.ReadAllTextAsync(Path.Combine(_root, "x", "written")));
        await Refused.AsAsync(StatusCode.NotFound, _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume.VolumeId }));
    }

    [Fact]
    public async Task BindVolume_PublishedReadOnly_CanNotBeWritten()
    {
        var volume = (await CreateAsync("read-only")).VolumeId;
        var target = await _daemon.PublishAsync(volume, await _daemon.StageAsync(volume), readOnly: true);

        Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(target, "new"), ""));
    }

    [Fact]
    public async Task BindVolume_OverARestart_StaysAndGoesOn()
    {
        var volume = (await CreateAsync("lasting")).VolumeId;
        var staging = await _daemon.StageAsync(volume);
        var target = await _daemon.PublishAsync(volume, staging);

        await _daemon.RestartAsync();

        Assert.Equal(volume, (await CreateAsync("lasting")).VolumeId);
        Assert.Equal("the host's", await File.ReadAllTextAsync(Path.Combine(target, "file")));
        Assert.Equal(1, CsiDaemon.MountsAt(target));
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
        await _daemon.UseAsync(volume, path => Assert.True(File.Exists(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task BindVolume_SnapshotCloneAndExpansion_AreRefused()
    {
        var volume = (await CreateAsync("plain")).VolumeId;

        await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume }));
        var clone = Requests.CreateVolume("clone");
        clone.VolumeContentSource = Requests.FromVolume(volume);
        await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.Controller.CreateVolumeAsync(clone));
        await Refused.AsAsync(
            StatusCode.FailedPrecondition, _daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume, CapacityRange = new() { RequiredBytes = 1 << 30 } }));
    }

    [Fact]
    public async Task NodeGetVolumeStats_OfABindVolume_AreThoseOfItsFileSystem()
    {
        var volume = (await CreateAsync("counted")).VolumeId;
        var staging = await _daemon.StageAsync(volume);

        var stats = await _daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume, VolumePath = staging });

        var bytes = Assert.Single(stats.Usage, usage => usage.Unit == Unit.Bytes);
        Assert.Equal(new DriveInfo(_root).TotalSize, bytes.Total);
        Assert.InRange(bytes.Available, 1, bytes.Total);
    }

    [Fact]
    public async Task BindVolume_WhoseDirectoryBecameALink_IsNotStaged()
    {
        var volume = (await CreateAsync("moved")).VolumeId;
        Directory.Move(Path.Combine(_root, "x"), Path.Combine(_root, "away"));
        File.CreateSymbolicLink(Path.Combine(_root, "x"), "/etc");

        var message = await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, _daemon.NewStagingPath())));

        Assert.Contains("a symbolic link lies on its path", message, StringComparison.Ordinal);
        Assert.Equal(0, CsiDaemon.MountsAt(_daemon.Daemon.Root));
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/etc")]
    [InlineData("x/../../etc")]
    [InlineData("gone")]
    public async Task CreateVolume_OfWhatMayNotBeServed_IsInvalid(string source)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["source"] = source[0] == '/' ? source : $"{_root}/{source}";

        await Refused.AsAsync(StatusCode.InvalidArgument, _daemon.Controller.CreateVolumeAsync(request));
    }

    private async Task<Wire.Volume> CreateAsync(string name)
    {
        var request = Requests.CreateVolume(name);
        // A claim always asks for a size.
        request.CapacityRange = new() { RequiredBytes = 1 << 30 };
        request.Parameters["source"] = Path.Combine(_root, "x");
        return (await _daemon.Controller.CreateVolumeAsync(request)).Volume;
    }
}
