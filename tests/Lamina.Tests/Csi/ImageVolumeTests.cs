using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Unit = Csi.V1.VolumeUsage.Types.Unit;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Raw block volumes and filesystems of their own, through the real socket, mounted for real; in the embedded default pool.</summary>
public sealed class ImageVolumeTests(CsiDaemon daemon) : IClassFixture<CsiDaemon>
{
    private const long Size = 320L << 20;

    public static TheoryData<string> FileSystems => ["ext4", "xfs", "btrfs"];

    [Fact]
    public async Task Block_Published_IsADeviceOfItsSize()
    {
        var volume = await CreateAsync(Requests.Block());
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = await daemon.PublishAsync(volume.VolumeId, staging, Requests.Block());
        await daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume.VolumeId, staging, target, Requests.Block()));

        Assert.Equal(FileKind.BlockDevice, Files.Stat(target).Kind);
        Assert.Equal(1, CsiDaemon.MountsAt(target));
        Assert.Equal(Size, volume.CapacityBytes);
        using (var device = Files.Open(target, OpenFlags.ReadWrite))
        {
            Assert.Equal(Size, BlockDevice.GetSize(device));
            Files.WriteAll(device, Size - 512, new byte[512]);
        }
        var usage = Assert.Single((await StatsAsync(volume, target)).Usage);
        Assert.Equal((Unit.Bytes, Size), (usage.Unit, usage.Total));

        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnpublishAsync(volume.VolumeId, target);
        Assert.False(File.Exists(target));
        await daemon.UnstageAsync(volume.VolumeId, staging);
        await AssertNoDeviceAsync(volume);
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId });
    }

    [Fact]
    public async Task Block_PublishedReadOnly_CanNotBeWritten()
    {
        var volume = await CreateAsync(Requests.Block(Mode.SingleNodeMultiWriter));
        var capability = Requests.Block(Mode.SingleNodeMultiWriter);
        var staging = await daemon.StageAsync(volume.VolumeId, capability);
        var target = await daemon.PublishAsync(volume.VolumeId, staging, capability, readOnly: true);

        using (var device = Files.Open(target, OpenFlags.ReadWrite))
        {
            Assert.Equal(Errno.EPERM, Assert.Throws<LinuxException>(() => Files.WriteAll(device, 0, new byte[512])).Errno);
            var mixed = Requests.Publish(volume.VolumeId, staging, daemon.NewTargetPath(), capability);
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(mixed));
        }
        var second = await daemon.PublishAsync(volume.VolumeId, staging, capability, readOnly: true);
        // A person who attaches it wants to write, and nobody who may only read keeps the device from it for ever.
        var attachments = daemon.Daemon.Services.GetRequiredService<AttachmentService>();
        var id = IStorageValue<VolumeId>.Parse(volume.VolumeId);
        var person = new HolderIdentity(Door.Cli, HolderKind.User, "person");
        var refused = await Assert.ThrowsAsync<StorageException>(() => attachments.AttachAsync(id, person, "", CancellationToken.None));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnpublishAsync(volume.VolumeId, second);

        using (var device = Files.Open(await attachments.AttachAsync(id, person, "", CancellationToken.None), OpenFlags.ReadWrite))
            Files.WriteAll(device, 0, new byte[512]);
        await attachments.DetachAsync(id, person, CancellationToken.None);
        var writable = await daemon.PublishAsync(volume.VolumeId, staging, capability);
        using (var device = Files.Open(writable, OpenFlags.ReadWrite))
            Files.WriteAll(device, 0, new byte[512]);
        await daemon.UnpublishAsync(volume.VolumeId, writable);
        await daemon.UnstageAsync(volume.VolumeId, staging);
    }

    [Fact]
    public async Task Block_OpenSomewhere_IsNotUnstaged()
    {
        var volume = await CreateAsync(Requests.Block());
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = await daemon.PublishAsync(volume.VolumeId, staging, Requests.Block());
        using (Files.Open(target, OpenFlags.ReadWrite))
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume.VolumeId, TargetPath = target }));

        // By another way to it than the target, as a container's own node of it.
        using (Files.Open(LoopOf(volume)!.Path, OpenFlags.ReadWrite))
        {
            await daemon.UnpublishAsync(volume.VolumeId, target);
            await Refused.AsAsync(
                StatusCode.FailedPrecondition, daemon.NodeService.NodeUnstageVolumeAsync(new() { VolumeId = volume.VolumeId, StagingTargetPath = staging }));
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume.VolumeId }));
        }
        await daemon.UnstageAsync(volume.VolumeId, staging);
        await AssertNoDeviceAsync(volume);
    }

    [Fact]
    public async Task Block_WhoseDeviceWasTakenAway_TakesNobodyElsesAway()
    {
        var volume = await CreateAsync(Requests.Block());
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        using (var device = LoopDevice.Open(LoopOf(volume)!.Number, readOnly: true))
            device.Detach();
        await AssertNoDeviceAsync(volume);
        // Whoever asks next gets the number, as a rule.
        var other = TestScratch.NewPath("other.img");
        File.WriteAllBytes(other, new byte[1 << 20]);
        using (var file = Files.Open(other, OpenFlags.ReadWrite))
        using (var foreign = LoopDevice.Attach(file, other, direct: false, readOnly: false, autoClear: true))
        {
            await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume.VolumeId, staging, daemon.NewTargetPath(), Requests.Block())));
            await daemon.UnstageAsync(volume.VolumeId, staging);
            Assert.True(foreign.IsAttached);
        }
        staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        await daemon.UnstageAsync(volume.VolumeId, staging);
        await AssertNoDeviceAsync(volume);
    }

    [Fact]
    public async Task Block_WhereSomethingLies_IsRefusedAndItStays()
    {
        var volume = await CreateAsync(Requests.Block());
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = daemon.NewTargetPath();
        File.WriteAllText(target, "somebody's");

        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodePublishVolumeAsync(Requests.Publish(volume.VolumeId, staging, target, Requests.Block())));
        await Refused.AsAsync(StatusCode.FailedPrecondition, daemon.NodeService.NodeUnpublishVolumeAsync(new() { VolumeId = volume.VolumeId, TargetPath = target }));

        Assert.Equal("somebody's", File.ReadAllText(target));
        await daemon.UnstageAsync(volume.VolumeId, staging);
    }

    [Fact]
    public async Task Block_AndMount_AreNotTheSame()
    {
        var block = await CreateAsync(Requests.Block());
        var mount = await CreateAsync(Requests.Mount());
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(block.VolumeId, daemon.NewStagingPath())));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(mount.VolumeId, daemon.NewStagingPath(), Requests.Block())));

        // What somebody wrote to a device is never mounted, and a filesystem is never given to be written past.
        var fileSystem = await CreateAsync(Requests.Mount(fileSystem: "ext4"));
        foreach (var (capability, source) in (IEnumerable<(Wire.VolumeCapability, Wire.Volume)>)
            [(Requests.Mount(), block), (Requests.Mount(fileSystem: "ext4"), block), (Requests.Block(), fileSystem), (Requests.Block(), mount)])
        {
            var snapshot = (await daemon.SnapshotAsync(source.VolumeId)).SnapshotId;
            foreach (var from in (Wire.VolumeContentSource[])[Requests.FromVolume(source.VolumeId), Requests.FromSnapshot(snapshot)])
            {
                var copy = new Wire.CreateVolumeRequest { Name = CsiDaemon.NewName(), VolumeCapabilities = { capability }, VolumeContentSource = from };
                await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateVolumeAsync(copy));
            }
        }
    }

    [Fact]
    public async Task Block_ExpandedInUse_IsLargerAtOnce()
    {
        var volume = await CreateAsync(Requests.Block());
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = await daemon.PublishAsync(volume.VolumeId, staging, Requests.Block());
        using (var device = Files.Open(target, OpenFlags.ReadOnly))
        {
            var answer = await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * Size } });
            Assert.Equal((2 * Size, false), (answer.CapacityBytes, answer.NodeExpansionRequired));
            Assert.Equal(2 * Size, BlockDevice.GetSize(device));
        }
        Assert.Equal(2 * Size, (await daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume.VolumeId, VolumePath = target })).CapacityBytes);
        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnstageAsync(volume.VolumeId, staging);
    }

    [Fact]
    public async Task Block_Restored_HasTheContentAndMayBeLarger()
    {
        var volume = await CreateAsync(Requests.Block());
        await UseDeviceAsync(volume, device => Files.WriteAll(device, 1 << 20, "one"u8));
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);
        await UseDeviceAsync(volume, device => Files.WriteAll(device, 1 << 20, "two"u8));

        var restored = await CreateAsync(Requests.Block(), 2 * Size, Requests.FromSnapshot(snapshot.SnapshotId));

        Assert.Equal(Size, snapshot.SizeBytes);
        Assert.Equal(2 * Size, restored.CapacityBytes);
        var content = new byte[3];
        await UseDeviceAsync(restored, device => Files.Read(device, 1 << 20, content));
        Assert.Equal("one"u8.ToArray(), content);
    }

    [Fact]
    public async Task Block_AfterARestart_GoesOn()
    {
        await using var own = await CsiDaemon.StartAsync();
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeCapabilities[0] = Requests.Block();
        var volume = (await own.Controller.CreateVolumeAsync(request)).Volume;
        Assert.Equal(1L << 30, volume.CapacityBytes);
        var staging = await own.StageAsync(volume.VolumeId, Requests.Block());
        var target = await own.PublishAsync(volume.VolumeId, staging, Requests.Block());
        using (var device = Files.Open(target, OpenFlags.ReadWrite))
        {
            await own.RestartAsync();
            Files.WriteAll(device, 0, new byte[512]);
            Files.Flush(device);
        }
        await own.UnpublishAsync(volume.VolumeId, target);
        await own.UnstageAsync(volume.VolumeId, staging);
        await AssertNoDeviceAsync(volume);
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task FileSystem_Published_IsOneOfItsOwn(string type)
    {
        var capability = Requests.Mount(fileSystem: type);
        var volume = await CreateAsync(capability);
        var staging = await daemon.StageAsync(volume.VolumeId, capability);
        // Which filesystem it is need not be said again.
        var target = await daemon.PublishAsync(volume.VolumeId, staging, Requests.Mount());

        Assert.Equal(type, MountTable.Read().FindTop(target)!.FileSystemType);
        File.WriteAllText(Path.Combine(target, "file"), "content");
        var usage = (await StatsAsync(volume, target)).Usage;
        var bytes = Assert.Single(usage, one => one.Unit == Unit.Bytes);
        Assert.Equal(Size, bytes.Total);
        Assert.InRange(bytes.Available, 1, Size);
        // A Btrfs does not count them.
        Assert.Equal(type != "btrfs", usage.Any(one => one.Unit == Unit.Inodes));
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume.VolumeId, daemon.NewStagingPath(), Requests.Mount(fileSystem: type == "xfs" ? "ext4" : "xfs"))));

        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnstageAsync(volume.VolumeId, staging);
        await AssertNoDeviceAsync(volume);
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task FileSystem_Full_TakesNothingOfThePool(string type)
    {
        var volume = await CreateAsync(Requests.Mount(fileSystem: type));
        await daemon.UseAsync(volume.VolumeId, path =>
        {
            var failed = Assert.ThrowsAny<Exception>(() =>
            {
                using var file = Files.Open(Path.Combine(path, "file"), OpenFlags.WriteOnly | OpenFlags.Create, 0x180);
                Files.Allocate(file, 0, 2 * Size);
            });
            Assert.Equal(Errno.ENOSPC, Assert.IsType<LinuxException>(failed).Errno);
        });
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task FileSystem_ExpandedDetached_IsLargerWhenItIsUsed(string type)
    {
        var volume = await CreateAsync(Requests.Mount(fileSystem: type));
        var before = 0L;
        await daemon.UseAsync(volume.VolumeId, path => before = (long)Files.StatFs(path).TotalBytes);

        var answer = await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.VolumeId, CapacityRange = new() { RequiredBytes = 2 * Size } });

        Assert.Equal((2 * Size, false), (answer.CapacityBytes, answer.NodeExpansionRequired));
        await daemon.UseAsync(volume.VolumeId, path => Assert.InRange((long)Files.StatFs(path).TotalBytes, before + (Size * 9 / 10), 2 * Size));
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task FileSystem_Copied_HasItAndNoOther(string type)
    {
        var volume = await CreateAsync(Requests.Mount(fileSystem: type));
        await daemon.UseAsync(volume.VolumeId, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var snapshot = await daemon.SnapshotAsync(volume.VolumeId);

        // Without a filesystem the source's, also when it is asked again; another one than the source's is refused.
        var name = CsiDaemon.NewName();
        var restored = await CreateAsync(Requests.Mount(), Size, Requests.FromSnapshot(snapshot.SnapshotId), name);
        Assert.Equal(restored, await CreateAsync(Requests.Mount(), Size, Requests.FromSnapshot(snapshot.SnapshotId), name));
        Assert.Equal(restored, await CreateAsync(Requests.Mount(fileSystem: type), Size, Requests.FromSnapshot(snapshot.SnapshotId), name));
        var other = Requests.CreateVolume(CsiDaemon.NewName());
        other.VolumeCapabilities[0] = Requests.Mount(fileSystem: type == "xfs" ? "ext4" : "xfs");
        other.VolumeContentSource = Requests.FromSnapshot(snapshot.SnapshotId);
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateVolumeAsync(other));

        await daemon.UseAsync(restored.VolumeId, path =>
        {
            Assert.Equal(type, MountTable.Read().FindTop(path)!.FileSystemType);
            Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file")));
        });
    }

    [Fact]
    public async Task Create_WithAnotherFileSystem_ExistsAlready()
    {
        var name = CsiDaemon.NewName();
        await CreateAsync(Requests.Mount(fileSystem: "ext4"), name: name);

        foreach (var capability in (Wire.VolumeCapability[])[Requests.Mount(), Requests.Mount(fileSystem: "xfs"), Requests.Block()])
        {
            var request = new Wire.CreateVolumeRequest { Name = name, VolumeCapabilities = { capability } };
            await Refused.AsAsync(StatusCode.AlreadyExists, daemon.Controller.CreateVolumeAsync(request));
        }
    }

    [Theory]
    [InlineData("", 1, 0, 4096)]
    [InlineData("", 4097, 0, 8192)]
    [InlineData("", 4097, 4608, 4608)]
    [InlineData("", 0, 10_000, 8192)]
    [InlineData("xfs", 1, 0, 300 << 20)]
    [InlineData("ext4", 1, 16 << 20, 16 << 20)]
    [InlineData("btrfs", 0, 256 << 20, 256 << 20)]
    public async Task Create_OfAnySize_IsWithinTheRange(string fileSystem, long required, long limit, long expected)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeCapabilities[0] = fileSystem.Length == 0 ? Requests.Block() : Requests.Mount(fileSystem: fileSystem);
        request.CapacityRange = new() { RequiredBytes = required, LimitBytes = limit };
        Assert.Equal(expected, (await daemon.Controller.CreateVolumeAsync(request)).Volume.CapacityBytes);
    }

    [Theory]
    [InlineData("", 4097, 4098)]
    [InlineData("", 0, 100)]
    [InlineData("xfs", 0, 100 << 20)]
    [InlineData("ext4", 1, 1 << 20)]
    public async Task Create_OfAnImpossibleSize_IsOutOfRange(string fileSystem, long required, long limit)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeCapabilities[0] = fileSystem.Length == 0 ? Requests.Block() : Requests.Mount(fileSystem: fileSystem);
        request.CapacityRange = new() { RequiredBytes = required, LimitBytes = limit };
        await Refused.AsAsync(StatusCode.OutOfRange, daemon.Controller.CreateVolumeAsync(request));
    }

    private async Task<Wire.Volume> CreateAsync(Wire.VolumeCapability capability, long size = Size, Wire.VolumeContentSource? source = null, string? name = null)
    {
        var request = new Wire.CreateVolumeRequest
        {
            Name = name ?? CsiDaemon.NewName(),
            VolumeCapabilities = { capability },
            CapacityRange = new() { RequiredBytes = size },
            VolumeContentSource = source,
        };
        return (await daemon.Controller.CreateVolumeAsync(request)).Volume;
    }

    private async Task UseDeviceAsync(Wire.Volume volume, Action<Microsoft.Win32.SafeHandles.SafeFileHandle> work)
    {
        var staging = await daemon.StageAsync(volume.VolumeId, Requests.Block());
        var target = await daemon.PublishAsync(volume.VolumeId, staging, Requests.Block());
        using (var device = Files.Open(target, OpenFlags.ReadWrite))
            work(device);
        await daemon.UnpublishAsync(volume.VolumeId, target);
        await daemon.UnstageAsync(volume.VolumeId, staging);
    }

    private async Task<Wire.NodeGetVolumeStatsResponse> StatsAsync(Wire.Volume volume, string path) =>
        await daemon.NodeService.NodeGetVolumeStatsAsync(new() { VolumeId = volume.VolumeId, VolumePath = path });

    private static LoopStatus? LoopOf(Wire.Volume volume)
    {
        var key = volume.VolumeId.Split('.', 2)[1];
        return LoopDevice.List().FirstOrDefault(loop => loop.BackingFile.Contains($"/image-volumes/{key}/", StringComparison.Ordinal));
    }

    private static Task AssertNoDeviceAsync(Wire.Volume volume) => Eventually.TrueAsync(() => LoopOf(volume) is null, "no loop device is left");
}
