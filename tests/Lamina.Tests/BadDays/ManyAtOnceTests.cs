using Grpc.Core;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>The same calls many times at once, and calls that contradict each other; the makings of one object are tested beside each call.</summary>
[Collection<CsiCollection>]
public sealed class ManyAtOnceTests(CsiDaemon daemon)
{
    [Fact]
    public async Task UnpublishAndUnstage_EightAtOnce_EndWithNothingMounted()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);

        await EightAtOnceAsync(() => daemon.UnpublishAsync(volume, target));
        Assert.False(Path.Exists(target));
        await EightAtOnceAsync(() => daemon.UnstageAsync(volume, staging));

        Assert.Equal(0, CsiDaemon.MountsAt(Path.Combine(daemon.Daemon.RuntimeDirectory, "mounts", volume)));
        await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
    }

    [Fact]
    public async Task DeleteSnapshot_EightAtOnce_IsFine()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        var snapshot = (await daemon.SnapshotAsync(volume)).SnapshotId;

        await EightAtOnceAsync(async () => await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot }));

        Assert.Empty((await daemon.Controller.ListSnapshotsAsync(new() { SnapshotId = snapshot })).Entries);
    }

    [Fact]
    public async Task CreateAndDelete_OfOneVolumeAtOnce_EndWithAWholeOneOrNone()
    {
        for (var round = 0; round < 10; round++)
        {
            var name = CsiDaemon.NewName();
            var id = (await daemon.CreateAsync(name)).VolumeId;

            await Task.WhenAll(
                EightAtOnceAsync(async () => await daemon.CreateAsync(name)),
                EightAtOnceAsync(async () => await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id })));

            Assert.Equal(id, (await daemon.CreateAsync(name)).VolumeId);
            await daemon.UseAsync(id, path => Assert.Empty(Directory.EnumerateFileSystemEntries(path)));
            await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id });
        }
    }

    // Whoever comes first, a volume that is deleted was not in use, and one that is in use stays.
    [Fact]
    public async Task StageAndDelete_OfOneVolumeAtOnce_HaveOneWinner()
    {
        for (var round = 0; round < 10; round++)
        {
            var volume = (await daemon.CreateAsync()).VolumeId;
            var staging = daemon.NewStagingPath();

            var staged = CodeOfAsync(daemon.NodeService.NodeStageVolumeAsync(Requests.Stage(volume, staging)));
            var deleted = CodeOfAsync(daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume }));

            if (await deleted == StatusCode.OK)
            {
                Assert.Equal(StatusCode.NotFound, await staged);
            }
            else
            {
                Assert.Equal((StatusCode.OK, StatusCode.FailedPrecondition), (await staged, await deleted));
                await daemon.UnstageAsync(volume, staging);
                await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = volume });
            }
        }
    }

    // A restore holds what it was made from, however soon that is deleted.
    [Fact]
    public async Task RestoreAndDelete_OfOneSnapshotAtOnce_RestoreWholeOrNotAtAll()
    {
        var volume = (await daemon.CreateAsync()).VolumeId;
        await daemon.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "content"));
        for (var round = 0; round < 10; round++)
        {
            var snapshot = (await daemon.SnapshotAsync(volume)).SnapshotId;
            var request = Requests.CreateVolume(CsiDaemon.NewName());
            request.VolumeContentSource = Requests.FromSnapshot(snapshot);

            var restored = CodeOfAsync(daemon.Controller.CreateVolumeAsync(request));
            await daemon.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot });

            if (await restored != StatusCode.OK)
            {
                Assert.Equal(StatusCode.NotFound, await restored);
                continue;
            }
            var id = volume.Split('.')[0] + "." + request.Name;
            await daemon.UseAsync(id, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
            await daemon.Controller.DeleteVolumeAsync(new() { VolumeId = id });
        }
        await daemon.UseAsync(volume, path => Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file"))));
    }

    private static Task EightAtOnceAsync(Func<Task> call) => Task.WhenAll(Enumerable.Range(0, 8).Select(_ => call()));

    private static async Task<StatusCode> CodeOfAsync<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
