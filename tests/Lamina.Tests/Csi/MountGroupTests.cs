using System.Text;
using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>VOLUME_MOUNT_GROUP: the files as the kernel shows them, on an overlay2 pool and on a Btrfs pool.</summary>
public sealed class MountGroupTests : IAsyncLifetime
{
    private const uint Group = 4711;
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        _daemon = await CsiDaemon.StartAsync(
            [.. CsiPools.Overlay("default", "--default"), .. CsiPools.Btrfs("btrfs", _disk), .. CsiPools.Bind(_disk.MountPoint)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Theory]
    [InlineData("default")]
    [InlineData("btrfs")]
    public async Task NodePublishVolume_WithAGroup_GivesItEveryFile(string pool)
    {
        var volume = await CreateAsync(pool);
        await _daemon.UseAsync(volume, path =>
        {
            Directory.CreateDirectory(Path.Combine(path, "a", "b"));
            foreach (var (file, mode) in ((string, UnixFileMode)[])[("plain", UnixFileMode.UserRead), ("a/b/tool", (UnixFileMode)0b100_111_000_000)])
            {
                File.WriteAllText(Path.Combine(path, file), "content");
                File.SetUnixFileMode(Path.Combine(path, file), mode);
            }
            File.CreateSymbolicLink(Path.Combine(path, "a", "link"), "/etc/passwd");
        });
        var before = Files.Stat("/etc/passwd");

        var (_, target) = await PublishAsync(volume, Group);

        Assert.Equal((Group, 0x5FDu /* 02775 */), Of(target));
        Assert.Equal((Group, 0x5FDu), Of(Path.Combine(target, "a", "b")));
        Assert.Equal((Group, 0x130u /* 0460 */), Of(Path.Combine(target, "plain")));
        Assert.Equal((Group, 0x9F0u /* 04760 */), Of(Path.Combine(target, "a", "b", "tool")));
        Assert.Equal((before.Gid, before.Mode), Of("/etc/passwd"));
        File.WriteAllText(Path.Combine(target, "a", "new"), "");
        Assert.Equal(Group, Of(Path.Combine(target, "a", "new")).Gid);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("btrfs")]
    public async Task NodePublishVolume_WithTheGroupThatItHasAlready_WalksNoTree(string pool)
    {
        var volume = await CreateAsync(pool);
        var (staging, target) = await PublishAsync(volume, Group);
        var stranger = Path.Combine(target, "stranger");
        File.WriteAllText(stranger, "");
        ChangeGroup(stranger, 5);
        await UnpublishAsync(volume, staging, target);

        (staging, target) = await PublishAsync(volume, Group);
        Assert.Equal(5u, Of(Path.Combine(target, "stranger")).Gid);
        await UnpublishAsync(volume, staging, target);

        // A clone is as far as its source was.
        var clone = (await _daemon.CreateAsync(source: Requests.FromVolume(volume))).VolumeId;
        var (_, cloned) = await PublishAsync(clone, Group);
        Assert.Equal(5u, Of(Path.Combine(cloned, "stranger")).Gid);

        // Another group, and back: each time all of it.
        (staging, target) = await PublishAsync(volume, Group + 1);
        Assert.Equal(Group + 1, Of(Path.Combine(target, "stranger")).Gid);
        await UnpublishAsync(volume, staging, target);
        (_, target) = await PublishAsync(volume, Group);
        Assert.Equal(Group, Of(Path.Combine(target, "stranger")).Gid);
    }

    [Fact]
    public async Task NodePublishVolume_WhereTheRootWasChangedOrTheWalkNeverEnded_WalksAgain()
    {
        var volume = await CreateAsync("default");
        var (staging, target) = await PublishAsync(volume, Group);
        File.WriteAllText(Path.Combine(target, "stranger"), "");
        ChangeGroup(Path.Combine(target, "stranger"), 5);
        File.SetUnixFileMode(target, (UnixFileMode)0x1ED);
        await UnpublishAsync(volume, staging, target);
        (staging, target) = await PublishAsync(volume, Group);
        Assert.Equal(Group, Of(Path.Combine(target, "stranger")).Gid);

        // As a daemon that was killed on the way leaves it: the root has the group, but nothing says that all has.
        using (var root = Files.OpenDirectory(target))
        {
            Assert.Equal("4711", Encoding.ASCII.GetString(ExtendedAttributes.Get(root, "trusted.lamina.group")!));
            ExtendedAttributes.Remove(root, "trusted.lamina.group");
        }
        ChangeGroup(Path.Combine(target, "stranger"), 5);
        await UnpublishAsync(volume, staging, target);
        (_, target) = await PublishAsync(volume, Group);
        Assert.Equal(Group, Of(Path.Combine(target, "stranger")).Gid);
    }

    [Fact]
    public async Task NodePublishVolume_ReadOnly_ChangesNoFile()
    {
        var volume = await CreateAsync("default");
        var staging = await _daemon.StageAsync(volume, WithGroup(Group));
        var target = await _daemon.PublishAsync(volume, staging, WithGroup(Group), readOnly: true);
        Assert.Equal((0u, 0x1EDu), Of(target));
        await UnpublishAsync(volume, staging, target);
        var reader = WithGroup(Group, Mode.SingleNodeReaderOnly);
        Assert.Equal((0u, 0x1EDu), Of(await _daemon.PublishAsync(volume, await _daemon.StageAsync(volume, reader), reader)));
    }

    [Fact]
    public async Task NodePublishVolume_WhileAnotherGroupHasIt_IsRefusedAndTakesNothingAway()
    {
        var volume = await CreateAsync("default");
        var first = WithGroup(Group, Mode.SingleNodeMultiWriter);
        var staging = await _daemon.StageAsync(volume, first);
        var target = await _daemon.PublishAsync(volume, staging, first);
        var second = Requests.Publish(volume, staging, _daemon.NewTargetPath(), WithGroup(Group + 1, Mode.SingleNodeMultiWriter));
        Assert.Contains("4711", await Refused.AsAsync(StatusCode.FailedPrecondition, _daemon.NodeService.NodePublishVolumeAsync(second)), StringComparison.Ordinal);
        Assert.Equal(Group, Of(target).Gid);
        Assert.False(Path.Exists(second.TargetPath));

        // The same group, none, and whoever only reads are fine beside it; the same target with another group is not the same call.
        await _daemon.PublishAsync(volume, staging, first);
        await _daemon.PublishAsync(volume, staging, Requests.Mount(Mode.SingleNodeMultiWriter));
        await _daemon.PublishAsync(volume, staging, WithGroup(Group + 1, Mode.SingleNodeMultiWriter), readOnly: true);
        second.TargetPath = target;
        await Refused.AsAsync(StatusCode.AlreadyExists, _daemon.NodeService.NodePublishVolumeAsync(second));
        Assert.Equal(Group, Of(target).Gid);
    }

    [Fact]
    public async Task NodePublishVolume_WithProtectedFilesAndMountsWithin_GoesAroundThem()
    {
        var volume = await CreateAsync("btrfs");
        var elsewhere = TestScratch.NewDirectory("elsewhere");
        File.WriteAllText(Path.Combine(elsewhere, "file"), "");
        await _daemon.UseAsync(volume, path =>
        {
            Directory.CreateDirectory(Path.Combine(path, "sub"));
            File.WriteAllText(Path.Combine(path, "sub", "behind"), "");
            File.WriteAllText(Path.Combine(path, "immutable"), "");
            Protect(Path.Combine(path, "immutable"), true);
        });
        var attached = Path.Combine(_daemon.Daemon.RuntimeDirectory, "mounts", volume);
        var staging = await _daemon.StageAsync(volume, WithGroup(Group));
        using (var source = Files.OpenDirectory(elsewhere))
        using (var tree = Mounts.CloneTree(source))
            Mounts.Attach(tree, Path.Combine(attached, "sub"));
        try
        {
            var target = await _daemon.PublishAsync(volume, staging, WithGroup(Group));
            Assert.Equal(Group, Of(target).Gid);
            Assert.Equal(0u, Of(Path.Combine(target, "immutable")).Gid);
            Assert.Equal(0u, Of(Path.Combine(elsewhere, "file")).Gid);
            Protect(Path.Combine(target, "immutable"), false);
        }
        finally
        {
            Mounts.Unmount(Path.Combine(attached, "sub"));
        }
    }

    [Fact]
    public async Task NodePublishVolume_OfAHostDirectory_LeavesItsFilesAlone()
    {
        var directory = _disk.NewDirectory();
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["source"] = directory;
        var volume = (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
        var (_, target) = await PublishAsync(volume, Group);
        Assert.Equal(0u, Of(target).Gid);
    }

    [Fact]
    public async Task Stage_WithAnotherGroup_IsTheSame()
    {
        var volume = await CreateAsync("default");
        var request = Requests.Stage(volume, _daemon.NewStagingPath(), WithGroup(1));
        await _daemon.NodeService.NodeStageVolumeAsync(request);
        await _daemon.NodeService.NodeStageVolumeAsync(new(request) { VolumeCapability = WithGroup(2) });
    }

    private static (uint Gid, uint Mode) Of(string path)
    {
        var status = Files.Stat(path);
        return (status.Gid, status.Mode);
    }

    private static void ChangeGroup(string path, uint group)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        Files.ChangeOwner(file, 0, group);
    }

    private static void Protect(string path, bool immutable)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        Files.SetImmutable(file, immutable);
    }

    private static Wire.VolumeCapability WithGroup(uint group, Mode mode = Mode.SingleNodeWriter)
    {
        var capability = Requests.Mount(mode);
        capability.Mount.VolumeMountGroup = FormattableString.Invariant($"{group}");
        return capability;
    }

    private async Task<string> CreateAsync(string pool)
    {
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.Parameters["pool"] = pool;
        return (await _daemon.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
    }

    private async Task<(string Staging, string Target)> PublishAsync(string volume, uint group)
    {
        var staging = await _daemon.StageAsync(volume, WithGroup(group));
        return (staging, await _daemon.PublishAsync(volume, staging, WithGroup(group)));
    }

    private async Task UnpublishAsync(string volume, string staging, string target)
    {
        await _daemon.UnpublishAsync(volume, target);
        await _daemon.UnstageAsync(volume, staging);
    }
}
