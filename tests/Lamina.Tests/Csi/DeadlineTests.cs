using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage.Operations;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Calls that outlive their callers, on a pool whose filesystem stands still.</summary>
public sealed class DeadlineTests : IAsyncLifetime
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(4);
    private LoopDisk _disk = null!;
    private CsiDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        _daemon = await CsiDaemon.StartAsync(CsiPools.OverlayAt("slow", _disk.NewDirectory("pool")));
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Fact]
    public async Task CreateVolume_ThatOutlivesItsCaller_GoesOnAndIsFoundByTheRetry()
    {
        // The first call of a process compiles what it runs through, which a busy machine may need all of a short deadline for.
        await _daemon.Controller.DeleteVolumeAsync(new() { VolumeId = (await _daemon.CreateAsync()).VolumeId });
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        await OutliveAsync(deadline => _daemon.Controller.CreateVolumeAsync(request, deadline: deadline));
        var volume = (await _daemon.Controller.CreateVolumeAsync(request)).Volume;
        Assert.Equal(volume.VolumeId, Assert.Single((await _daemon.Controller.ListVolumesAsync(new())).Entries).Volume.VolumeId);
    }

    [Fact]
    public async Task Clone_ThatOutlivesItsCaller_GoesOnAndIsFoundByTheRetry()
    {
        var source = (await _daemon.CreateAsync()).VolumeId;
        await _daemon.UseAsync(source, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        var request = Requests.CreateVolume(CsiDaemon.NewName());
        request.VolumeContentSource = Requests.FromVolume(source);
        await OutliveAsync(deadline => _daemon.Controller.CreateVolumeAsync(request, deadline: deadline));
        var clone = (await _daemon.Controller.CreateVolumeAsync(request)).Volume;
        await _daemon.UseAsync(clone.VolumeId, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    [Fact]
    public async Task CreateSnapshot_ThatOutlivesItsCaller_GoesOnAndIsFoundByTheRetry()
    {
        var request = new Wire.CreateSnapshotRequest { Name = CsiDaemon.NewName(), SourceVolumeId = (await _daemon.CreateAsync()).VolumeId };
        await OutliveAsync(deadline => _daemon.Controller.CreateSnapshotAsync(request, deadline: deadline));
        var snapshot = (await _daemon.Controller.CreateSnapshotAsync(request)).Snapshot;
        Assert.True(snapshot.ReadyToUse);
        Assert.Equal(snapshot, Assert.Single((await _daemon.Controller.ListSnapshotsAsync(new())).Entries).Snapshot);
    }

    // The first caller leaves while it runs, the second while it still runs; then it is let go.
    private async Task OutliveAsync<T>(Func<DateTime, AsyncUnaryCall<T>> call)
    {
        var operations = _daemon.Daemon.Services.GetRequiredService<OperationRunner>();
        using (new FrozenFileSystem(_disk.MountPoint))
        {
            Assert.Contains("goes on", await Refused.AsAsync(StatusCode.Aborted, call(CsiDaemon.In(Short))), StringComparison.Ordinal);
            Assert.Contains("still running", await Refused.AsAsync(StatusCode.Aborted, call(CsiDaemon.In(Short))), StringComparison.Ordinal);
            Assert.Equal(1, operations.Running);
        }
        await Eventually.TrueAsync(() => operations.Running == 0, "it is done, though nobody waits for it");
    }
}
