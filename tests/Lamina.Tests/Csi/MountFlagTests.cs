using Grpc.Core;
using Lamina.Linux;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace Lamina.Tests.Csi;

/// <summary>Mount flags, as the kernel shows them at the publication.</summary>
[Collection<CsiCollection>]
public sealed class MountFlagTests(CsiDaemon daemon)
{
    public static TheoryData<string, string[]> Allowed => new()
    {
        { "ro", ["ro"] },
        { "noexec", ["noexec"] },
        { "nosuid", ["nosuid"] },
        { "nodev", ["nodev"] },
        { "noatime", ["noatime"] },
        { "nodiratime", ["nodiratime"] },
        { "relatime", ["relatime"] },
        { "nosymfollow", ["nosymfollow"] },
        { "noexec nosuid nodev noatime", ["noatime,nodev", "nosuid", "noexec", "nodev"] },
        { "", ["rw", "exec", "suid,dev"] },
    };

    [Theory]
    [MemberData(nameof(Allowed))]
    public async Task NodePublishVolume_WithFlags_MountsWithThem(string expected, string[] flags)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var capability = Requests.Mount(Mode.SingleNodeWriter, "", flags);
        var target = await daemon.PublishAsync(volume, await daemon.StageAsync(volume, capability), capability);
        var options = MountTable.Read().FindTop(target)!.Options.Split(',');
        foreach (var flag in expected.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Assert.Contains(flag, options);
        foreach (var other in (string[])["ro", "noexec", "nosuid", "nodev", "noatime", "nodiratime", "nosymfollow"])
        {
            if (!expected.Split(' ').Contains(other))
                Assert.DoesNotContain(other, options);
        }
    }

    [Fact]
    public async Task NodePublishVolume_WithFlags_LeavesTheOtherPublicationAsItWas()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var plain = Requests.Mount(Mode.SingleNodeMultiWriter);
        var strict = Requests.Mount(Mode.SingleNodeMultiWriter, "", "ro", "noexec");
        var staging = await daemon.StageAsync(volume, plain);
        var first = await daemon.PublishAsync(volume, staging, plain);
        var second = await daemon.PublishAsync(volume, staging, strict);
        File.WriteAllText(Path.Combine(first, "file"), "content");
        Assert.Equal("content", File.ReadAllText(Path.Combine(second, "file")));
        Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(second, "file"), "other"));
    }

    [Theory]
    [InlineData("sync")]
    [InlineData("bind")]
    [InlineData("uid=0")]
    [InlineData("noexec,lazytime")]
    [InlineData("NOEXEC")]
    public async Task Stage_WithAFlagThatIsNotAllowed_SaysWhich(string flag)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var message = await Refused.AsAsync(
            StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, daemon.NewStagingPath(), Requests.Mount(Mode.SingleNodeWriter, "", flag))));
        Assert.Contains($"'{flag.Split(',')[^1]}'", message, StringComparison.Ordinal);
        Assert.Contains("noatime", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ro", "rw")]
    [InlineData("noexec", "exec")]
    [InlineData("noatime", "relatime")]
    public async Task Stage_WithFlagsThatContradictEachOther_SaysWhich(string one, string other)
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var message = await Refused.AsAsync(
            StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, daemon.NewStagingPath(), Requests.Mount(Mode.SingleNodeWriter, "", one, other))));
        Assert.Contains($"'{one}' and '{other}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StageAndPublish_AgainWithOtherFlags_AlreadyExistAndTheLogHasNoFlag()
    {
        await using var own = await CsiDaemon.StartAsync();
        var volume = (await own.CreateAsync()).VolumeId;
        var noExec = Requests.Mount(Mode.SingleNodeWriter, "", "noexec", "nodiratime");
        var stage = Requests.Stage(volume, own.NewStagingPath(), noExec);
        await own.NodeService.NodeStageVolumeAsync(stage);
        await own.NodeService.NodeStageVolumeAsync(new(stage) { VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "nodiratime,noexec") });
        await Refused.AsAsync(StatusCode.AlreadyExists, own.NodeService.NodeStageVolumeAsync(new(stage) { VolumeCapability = Requests.Mount() }));

        var publish = Requests.Publish(volume, stage.StagingTargetPath, own.NewTargetPath(), noExec);
        await own.NodeService.NodePublishVolumeAsync(publish);
        await own.NodeService.NodePublishVolumeAsync(new(publish) { VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "nodiratime,noexec") });
        await Refused.AsAsync(
            StatusCode.AlreadyExists, own.NodeService.NodePublishVolumeAsync(new(publish) { VolumeCapability = Requests.Mount(Mode.SingleNodeWriter, "", "nodiratime") }));
        Assert.DoesNotContain(own.Log.GetSnapshot(), line => line.Message.Contains("nodiratime", StringComparison.Ordinal));
    }
}
