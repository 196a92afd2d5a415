using Lamina.Linux;
using Lamina.Testing;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Image volumes that are cut and expanded while they are in use, through the real socket, where files can share blocks; expansion is the node's alone.</summary>
public sealed class LiveImageVolumeTests : IAsyncLifetime
{
    private const long Size = 304L << 20;
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public static TheoryData<string> Growing => ["", "xfs", "btrfs"];

    public static TheoryData<string> All => ["", "ext4", "xfs", "btrfs"];

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Xfs);
        _daemon = await CsiDaemon.StartAsync([.. CsiPools.OverlayAt("default", _disk.NewDirectory("pool"), "--default"), "--csi:nodeLocal=true"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Growing))]
    public async Task NodeExpandVolume_OfAnImageInUse_GivesTheRoomAtOnce(string fileSystem)
    {
        var capability = CapabilityOf(fileSystem);
        var volume = await CreateAsync(capability);
        var staging = await _daemon.StageAsync(volume, capability);
        var target = await _daemon.PublishAsync(volume, staging, capability);
        var before = SizeAt(target);

        foreach (var (path, size) in ((string, long)[])[(target, Size + (64 << 20)), (staging, Size + (128 << 20)), (staging, Size + (128 << 20))])
        {
            var answer = await _daemon.NodeService.NodeExpandVolumeAsync(new()
            {
                VolumeId = volume, VolumePath = path, StagingTargetPath = staging, VolumeCapability = capability, CapacityRange = new() { RequiredBytes = size, LimitBytes = size },
            });
            Assert.Equal(size, answer.CapacityBytes);
        }

        Assert.InRange(SizeAt(target), before + (100 << 20), before + (128 << 20));
        Assert.Equal(Size + (128 << 20), (await _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume })).Volume.CapacityBytes);
        await EndAsync(volume, staging, target);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task CreateSnapshot_OfAnImageInUse_HoldsWhatWasWrittenBefore(string fileSystem)
    {
        var capability = CapabilityOf(fileSystem);
        var volume = await CreateAsync(capability);
        var staging = await _daemon.StageAsync(volume, capability);
        var target = await _daemon.PublishAsync(volume, staging, capability);
        Write(target, "one");

        var snapshot = await _daemon.SnapshotAsync(volume);
        Write(target, "two");
        var clone = await CreateAsync(capability, Requests.FromVolume(volume));
        Write(target, "three");
        var restored = await CreateAsync(capability, Requests.FromSnapshot(snapshot.SnapshotId));

        Assert.True(snapshot.ReadyToUse);
        // All at once, as copies of one filesystem are.
        var copies = new List<(string Volume, string Staging, string Target, string Content)>();
        foreach (var (copy, content) in ((string, string)[])[(restored, "one"), (clone, "two")])
        {
            var stagedAt = await _daemon.StageAsync(copy, capability);
            copies.Add((copy, stagedAt, await _daemon.PublishAsync(copy, stagedAt, capability), content));
        }
        Assert.All(copies, copy => Assert.Equal(copy.Content, Read(copy.Target)));
        Assert.Equal("three", Read(target));
        foreach (var copy in copies)
            await EndAsync(copy.Volume, copy.Staging, copy.Target);
        await EndAsync(volume, staging, target);
    }

    private static Wire.VolumeCapability CapabilityOf(string fileSystem) => fileSystem.Length == 0 ? Requests.Block() : Requests.Mount(fileSystem: fileSystem);

    private async Task<string> CreateAsync(Wire.VolumeCapability capability, Wire.VolumeContentSource? source = null)
    {
        var request = new Wire.CreateVolumeRequest
        {
            Name = CsiDaemon.NewName(), VolumeCapabilities = { capability }, CapacityRange = new() { RequiredBytes = Size }, VolumeContentSource = source,
        };
        return (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
    }

    private async Task EndAsync(string volume, string staging, string target)
    {
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        var image = $"/image-volumes/{volume.Split('.', 2)[1]}/";
        await Eventually.TrueAsync(() => !LoopDevice.List().Any(loop => loop.BackingFile.Contains(image, StringComparison.Ordinal)), "no loop device is left");
    }

    private static long SizeAt(string target)
    {
        if (Directory.Exists(target))
            return (long)Files.StatFs(target).TotalBytes;
        using var device = Files.Open(target, OpenFlags.ReadOnly);
        return BlockDevice.GetSize(device);
    }

    // Not flushed: that is up to the cut.
    private static void Write(string target, string content)
    {
        if (Directory.Exists(target))
        {
            File.WriteAllText(Path.Combine(target, "file"), content);
            return;
        }
        using var device = Files.Open(target, OpenFlags.WriteOnly);
        Files.WriteAll(device, 1 << 20, System.Text.Encoding.UTF8.GetBytes(content.PadRight(8)));
    }

    private static string Read(string target)
    {
        if (Directory.Exists(target))
            return File.ReadAllText(Path.Combine(target, "file"));
        using var device = Files.Open(target, OpenFlags.ReadOnly);
        var content = new byte[8];
        Files.Read(device, 1 << 20, content);
        return System.Text.Encoding.UTF8.GetString(content).TrimEnd();
    }
}
