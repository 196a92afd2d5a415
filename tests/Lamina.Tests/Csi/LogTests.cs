using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace Lamina.Tests.Csi;

/// <summary>What the log and the metrics say of calls. With a daemon of its own, so that the log is.</summary>
public sealed class LogTests(CsiDaemon daemon) : IClassFixture<CsiDaemon>
{
    private const string Planted = "pLaNtEd";

    [Fact]
    public async Task Log_OfCallsWithSecretsFlagsAndTokens_HasNoneOfThem()
    {
        var flags = Requests.Mount(Mode.SingleNodeWriter, "", $"password={Planted}");
        var create = Requests.CreateVolume(CsiDaemon.NewName());
        create.Secrets[Planted] = Planted;
        var volume = (await daemon.Controller.CreateVolumeAsync(create)).Volume.VolumeId;
        create.VolumeCapabilities[0] = flags;
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.Controller.CreateVolumeAsync(create));

        await daemon.Controller.ValidateVolumeCapabilitiesAsync(new() { VolumeId = volume, VolumeCapabilities = { flags }, Secrets = { [Planted] = Planted } });
        var stage = Requests.Stage(volume, daemon.NewStagingPath());
        stage.Secrets[Planted] = Planted;
        stage.PublishContext["token"] = Planted;
        stage.VolumeContext["csi.storage.k8s.io/serviceAccount.tokens"] = Planted;
        await daemon.NodeService.NodeStageVolumeAsync(stage);
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodeStageVolumeAsync(new(stage) { VolumeCapability = flags }));

        var publish = Requests.Publish(volume, stage.StagingTargetPath, daemon.NewTargetPath());
        publish.Secrets[Planted] = Planted;
        publish.VolumeContext["csi.storage.k8s.io/serviceAccount.tokens"] = Planted;
        await daemon.NodeService.NodePublishVolumeAsync(publish);
        await Refused.AsAsync(StatusCode.InvalidArgument, daemon.NodeService.NodePublishVolumeAsync(new(publish) { VolumeCapability = flags }));
        await daemon.NodeService.NodeExpandVolumeAsync(new() { VolumeId = volume, VolumePath = publish.TargetPath, Secrets = { [Planted] = Planted } });
        await daemon.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume, CapacityRange = new() { RequiredBytes = 1 }, Secrets = { [Planted] = Planted } });

        await daemon.UnpublishAsync(volume, publish.TargetPath);
        await daemon.UnstageAsync(volume, stage.StagingTargetPath);
        var snapshot = (await daemon.Controller.CreateSnapshotAsync(new() { Name = CsiDaemon.NewName(), SourceVolumeId = volume, Secrets = { [Planted] = Planted } })).Snapshot;
        await daemon.Controller.ListSnapshotsAsync(new() { Secrets = { [Planted] = Planted } });
        await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot.SnapshotId, Secrets = { [Planted] = Planted } });
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume, Secrets = { [Planted] = Planted } });

        var lines = Lines();
        Assert.NotEmpty(lines);
        Assert.DoesNotContain(lines, line => line.Message.Contains(Planted, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(lines, line => line.StructuredState?.Any(pair => pair.Value?.Contains(Planted, StringComparison.OrdinalIgnoreCase) == true) == true);
        // Nor in the files of holders, which are read by whoever may read the log.
        Assert.DoesNotContain(
            Directory.EnumerateFiles(daemon.Daemon.Root, "*.json", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains(Planted, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Log_OfACall_IsOneLineWithMethodCodeAndIds()
    {
        var name = CsiDaemon.NewName("logged");
        var volume = (await daemon.CreateAsync(name)).VolumeId;
        var line = Assert.Single(LinesOf($"name={name}"));
        Assert.Equal(LogLevel.Information, line.Level);
        Assert.StartsWith("CreateVolume OK in ", line.Message, StringComparison.Ordinal);

        await daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume });
        Assert.Equal(LogLevel.Debug, Assert.Single(LinesOf($"volume_id={volume}")).Level);
    }

    [Fact]
    public async Task Log_OfACallersMistake_IsInformationAndBreaksNoLine()
    {
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = "forged\nOK in 1 ms" }));
        var line = Assert.Single(LinesOf("forged"));
        Assert.Equal(LogLevel.Information, line.Level);
        Assert.DoesNotContain('\n', line.Message);
        Assert.DoesNotContain(Lines(), other => other.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Metrics_OfCalls_CountThemByMethodAndCode()
    {
        await daemon.Identity.ProbeAsync(new());
        await Refused.AsAsync(StatusCode.NotFound, daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = "nowhere" }));
        using var text = new MemoryStream();
        await daemon.Daemon.Services.GetRequiredService<Prometheus.CollectorRegistry>().CollectAndExportAsTextAsync(text, CancellationToken.None);
        var metrics = System.Text.Encoding.UTF8.GetString(text.ToArray());
        Assert.Contains("csi_plugin_operations_seconds_count{driver_name=\"csi.lamina.dev\",method_name=\"/csi.v1.Identity/Probe\",grpc_status_code=\"OK\"}", metrics, StringComparison.Ordinal);
        Assert.Contains("method_name=\"/csi.v1.Controller/ControllerGetVolume\",grpc_status_code=\"NotFound\"}", metrics, StringComparison.Ordinal);
    }

    private IReadOnlyList<Microsoft.Extensions.Logging.Testing.FakeLogRecord> Lines() => daemon.Log.GetSnapshot();

    private IEnumerable<Microsoft.Extensions.Logging.Testing.FakeLogRecord> LinesOf(string text) =>
        Lines().Where(line => line.Category == typeof(Lamina.Csi.CsiInterceptor).FullName && line.Message.Contains(text, StringComparison.Ordinal));
}
