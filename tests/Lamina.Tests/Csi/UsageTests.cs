using System.Security.Cryptography;
using Lamina.Linux;
using Lamina.Testing;
using Unit = Csi.V1.VolumeUsage.Types.Unit;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>How full volumes are, on every kind of pool: what was written shows, and where that is not known, how full the disk is.</summary>
public sealed class UsageTests : IAsyncLifetime
{
    private const long Size = 64 << 20;
    private const int Written = 10 << 20;
    private LoopDisk _quotas = null!;
    private LoopDisk _plain = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _quotas = await LoopDisk.CreateAsync(FileSystemKind.Btrfs, simpleQuotas: true);
        _plain = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        _daemon = await CsiDaemon.StartAsync(
        [
            .. CsiPools.Overlay("overlay", "--default", "--usageInterval=00:00:01"), .. CsiPools.Btrfs("strict", _quotas, "--quota=simple"), .. CsiPools.Btrfs("loose", _plain),
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _quotas.DisposeAsync();
        await _plain.DisposeAsync();
    }

    [Theory]
    [InlineData("overlay")]
    [InlineData("strict")]
    public async Task NodeGetVolumeStats_OfAVolumeThatWasWrittenTo_HasWhatWasWritten(string pool)
    {
        var (volume, staging) = await StageAsync(pool);

        var bytes = await WrittenAsync(volume, await _daemon.PublishAsync(volume, staging));

        Assert.Equal(Size, bytes.Total);
        Assert.InRange(bytes.Used, Written, Written + (1 << 20));
        Assert.InRange(bytes.Available, 1, Size - Written);
    }

    [Fact]
    public async Task NodeGetVolumeStats_OfALimitedVolumeWithASnapshot_TellsWhatTheKernelLetsItWrite()
    {
        var (volume, staging) = await StageAsync("strict");
        var target = await _daemon.PublishAsync(volume, staging);
        await WrittenAsync(volume, target);
        await _daemon.SnapshotAsync(volume);
        // The snapshot has the old blocks, so the whole size may be written anew, and what is written now counts.
        Assert.InRange(Bytes(volume, target).Available, Size - Written, Size);

        var bytes = await WrittenAsync(volume, target);

        Assert.Equal(Size, bytes.Total);
        Assert.InRange(bytes.Used, Written, Written + (1 << 20));
    }

    // An advisory size bounds nothing, so a volume that is "empty to its size" would be shown until the disk is full.
    [Theory]
    [InlineData(Size)]
    [InlineData(null)]
    public async Task NodeGetVolumeStats_WhereUsageIsUnknown_HasTheFileSystemsFigures(long? size)
    {
        var (volume, staging) = await StageAsync("loose", size);
        var target = await _daemon.PublishAsync(volume, staging);
        Write(target, Written);
        Sync(target);

        var bytes = Bytes(volume, staging);

        Assert.Equal(new DriveInfo(_plain.MountPoint).TotalSize, bytes.Total);
        Assert.InRange(bytes.Used, Written, bytes.Total);
        Assert.Equal(bytes.Total, bytes.Used + bytes.Available);
    }

    private async Task<(string Volume, string Staging)> StageAsync(string pool, long? size = Size)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.CapacityRange = size is { } bytes ? new() { RequiredBytes = bytes } : null;
        request.Parameters["pool"] = pool;
        var volume = (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
        return (volume, await _daemon.StageAsync(volume));
    }

    private async Task<Wire.VolumeUsage> WrittenAsync(string volume, string target)
    {
        Write(target, Written);
        await Eventually.TrueAsync(
            () =>
            {
                Sync(target);
                return Bytes(volume, target) is { Total: Size, Used: >= Written };
            },
            "what was written is counted");
        return Bytes(volume, target);
    }

    private static void Write(string directory, int length) => File.WriteAllBytes(Path.Combine(directory, Path.GetRandomFileName()), RandomNumberGenerator.GetBytes(length));

    private static void Sync(string directory)
    {
        using var handle = Files.OpenDirectory(directory);
        Files.FlushFileSystem(handle);
    }

    private Wire.VolumeUsage Bytes(string volume, string path) => _daemon.NodeService.NodeGetVolumeStats(
        new() { VolumeId = volume, VolumePath = path }, cancellationToken: TestContext.Current.CancellationToken).Usage.Single(usage => usage.Unit == Unit.Bytes);
}
