using Grpc.Core;
using Lamina.Storage.Pools;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>A record that can't be read, through the daemon: reported, kept, and nothing of its pool reclaimed while it is there.</summary>
public sealed class UnreadableRecordTests : IAsyncLifetime
{
    private readonly PoolPlace _pool = PoolPlace.Make("torn", PoolBackend.Overlay2);
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync() => _daemon = await CsiDaemon.StartAsync(_pool.Arguments);

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Volume_WithAnUnreadableRecord_IsKeptAndItsNameIsNotUsedAgain()
    {
        var volume = (await _daemon.CreateAsync("precious")).VolumeId;
        await _daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var record = Path.Combine(_pool.Path, "volumes", "precious", "record.json");
        var whole = await TearAsync(record);

        Assert.Equal("volumes/precious", await UnreadableAsync());
        var staging = _daemon.NewStagingPath();
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.CreateVolumeAsync(Requests.CreateVolume("precious")));
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.ControllerGetVolumeAsync(new() { VolumeId = volume }));
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = volume }));
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging)));
        Assert.Equal("{", await File.ReadAllTextAsync(record));

        await MendAsync(record, whole);
        await _daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    [Fact]
    public async Task Snapshot_WithAnUnreadableRecord_KeepsItsLayersThroughDeletesAndRestarts()
    {
        var volume = (await _daemon.CreateAsync("source")).VolumeId;
        await _daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var snapshot = (await _daemon.SnapshotAsync(volume, "precious")).SnapshotId;
        var record = Path.Combine(_pool.Path, "snapshots", "precious", "record.json");
        var whole = await TearAsync(record);

        Assert.Equal("snapshots/precious", await UnreadableAsync());
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot }));
        await Refused.AsAsync(StatusCode.DataLoss, _daemon.Controller.CreateSnapshotAsync(new() { Name = "precious", SourceVolumeId = volume }));
        // Nobody can say which layers the snapshot shares with the volume.
        var layers = Directory.GetDirectories(Path.Combine(_pool.Path, "layers"));
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
        await _daemon.RestartAsync();
        Assert.Equal(layers, Directory.GetDirectories(Path.Combine(_pool.Path, "layers")));

        await MendAsync(record, whole);
        var restored = await _daemon.CreateAsync("restored", null, Requests.FromSnapshot(snapshot));
        await _daemon.UseAsync(restored.VolumeId, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    private async Task<byte[]> TearAsync(string record)
    {
        await _daemon.Daemon.StopAsync();
        var whole = await File.ReadAllBytesAsync(record);
        await File.WriteAllTextAsync(record, "{");
        await _daemon.RestartAsync();
        return whole;
    }

    private async Task MendAsync(string record, byte[] whole)
    {
        await File.WriteAllBytesAsync(record, whole);
        await _daemon.RestartAsync();
    }

    private async Task<string?> UnreadableAsync() =>
        (string?)Assert.Single((await CliRun.JsonAsync(_daemon.Daemon, "pool", "inspect", "torn"))["unreadable"]!.AsArray())!["path"];
}
