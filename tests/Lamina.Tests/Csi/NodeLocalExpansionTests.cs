using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using RpcType = Csi.V1.NodeServiceCapability.Types.RPC.Types.Type;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Expansion where the node does it alone: with all the checks that the controller has, on a volume whose size the kernel enforces.</summary>
public sealed class NodeLocalExpansionTests : IAsyncLifetime
{
    private const long Size = 16 << 20;
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs, simpleQuotas: true);
        _daemon = await CsiDaemon.StartAsync([.. CsiPools.Btrfs("strict", _disk, "--overcommit=1", "--quota=simple"), "--csi:nodeLocal=true"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NodeExpandVolume_OfAVolumeInUse_GivesItsWritersTheRoomAtOnce(bool atStagingPath)
    {
        var volume = (await _daemon.CreateAsync(size: Size)).VolumeId;
        var staging = await _daemon.StageAsync(volume);
        var target = await _daemon.PublishAsync(volume, staging);
        Assert.Throws<LinuxException>(() => Fill(target, 2 * Size));
        File.Delete(Path.Combine(target, "file"));

        var request = new Wire.NodeExpandVolumeRequest
        {
            VolumeId = volume,
            VolumePath = atStagingPath ? staging : target,
            StagingTargetPath = staging,
            CapacityRange = new() { RequiredBytes = 4 * Size, LimitBytes = 4 * Size },
            VolumeCapability = Requests.Mount(),
        };
        for (var i = 0; i < 2; i++)
            Assert.Equal(4 * Size, (await _daemon.NodeService.NodeExpandVolumeAsync(request)).CapacityBytes);
        Fill(target, 2 * Size);
        Assert.Equal(4 * Size, (await _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume })).Volume.CapacityBytes);
    }

    [Fact]
    public async Task NodeExpandVolume_BeyondWhatCanBeHad_ChangesNothing()
    {
        var volume = (await _daemon.CreateAsync(size: 2 * Size)).VolumeId;
        var staging = await _daemon.StageAsync(volume);
        await RefusedAsync(StatusCode.ResourceExhausted, volume, staging, new() { RequiredBytes = 1L << 40 });
        await RefusedAsync(StatusCode.OutOfRange, volume, staging, new() { LimitBytes = Size });
        await RefusedAsync(StatusCode.InvalidArgument, volume, staging, new() { RequiredBytes = 2, LimitBytes = 1 });
        await RefusedAsync(StatusCode.InvalidArgument, volume, staging, new() { RequiredBytes = -1 });
        await RefusedAsync(StatusCode.NotFound, volume, "/elsewhere", new() { RequiredBytes = 4 * Size });
        await RefusedAsync(StatusCode.NotFound, "nowhere", staging, new() { RequiredBytes = 4 * Size });
        Assert.Equal(2 * Size, (await _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume })).Volume.CapacityBytes);
        Assert.Contains(RpcType.ExpandVolume, (await _daemon.NodeService.NodeGetCapabilitiesAsync(new())).Capabilities.Select(capability => capability.Rpc.Type));
    }

    private static void Fill(string directory, long bytes)
    {
        using var file = Files.Open(Path.Combine(directory, "file"), OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
        var block = new byte[1 << 20];
        Random.Shared.NextBytes(block);
        for (long offset = 0; offset < bytes; offset += block.Length)
            Files.WriteAll(file, offset, block);
        Files.Flush(file);
    }

    private Task RefusedAsync(StatusCode code, string volume, string path, Wire.CapacityRange range) =>
        Refused.AsAsync(code, _daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = path, CapacityRange = range }));
}
