namespace Lamina.Tests.Csi;

public sealed class RestartTests
{
    [Fact]
    public async Task Restart_WithVolumesInUse_KeepsThemInUseAndUnpublishesThemAfterwards()
    {
        await using var daemon = await CsiDaemon.StartAsync();
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        File.WriteAllText(Path.Combine(target, "file"), "before");

        await daemon.RestartAsync();

        Assert.Equal("before", File.ReadAllText(Path.Combine(target, "file")));
        File.WriteAllText(Path.Combine(target, "file"), "after");
        await daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging));
        await daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target));
        Assert.Equal(1, CsiDaemon.MountsAt(target));
        await Refused.AsAsync(Grpc.Core.StatusCode.FailedPrecondition, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));

        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
        Assert.Equal(0, CsiDaemon.MountsAt(daemon.Kubelet));
        Assert.Equal(0, CsiDaemon.MountsAt(daemon.Daemon.Root));
        await daemon.UseAsync(volume, path => Assert.Equal("after", File.ReadAllText(Path.Combine(path, "file"))));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    [Fact]
    public async Task Restart_WithoutThePool_UnpublishesAndUnstagesAllTheSame()
    {
        await using var daemon = await CsiDaemon.StartAsync();
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        File.WriteAllText(Path.Combine(target, "file"), "content");
        await daemon.Daemon.StopAsync();

        await using (var other = await CsiDaemon.StartAsync(
            $"--runtimeDirectory={daemon.Daemon.RuntimeDirectory}", "--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool"))
        {
            await Refused.AsAsync(Grpc.Core.StatusCode.Unavailable, other.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
            await Refused.AsAsync(Grpc.Core.StatusCode.Unavailable, other.NodeService.NodePublishVolumeAsync(Requests.Publish(volume, staging, target)));
            await Refused.AsAsync(Grpc.Core.StatusCode.Unavailable, other.Controller.CreateVolumeAsync(Requests.CreateVolume("x")));
            Assert.Equal(0, (await other.Controller.GetCapacityAsync(new())).AvailableCapacity);
            Assert.Equal("content", File.ReadAllText(Path.Combine(target, "file")));
            await other.UnpublishAsync(volume, target);
            await other.UnstageAsync(volume, staging);
            Assert.Equal(0, CsiDaemon.MountsAt(daemon.Kubelet));
            Assert.Equal(0, CsiDaemon.MountsAt(daemon.Daemon.RuntimeDirectory));
        }

        await daemon.RestartAsync();
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }
}
