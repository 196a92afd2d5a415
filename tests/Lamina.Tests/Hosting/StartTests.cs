using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Hosting;

/// <summary>The daemon while it reads a pool of many volumes.</summary>
public sealed class StartTests
{
    private const int Volumes = 2000;

    [Fact]
    public async Task Start_WhileThePoolIsRead_AnswersThatItIsNotReady()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, cancellationToken: TestContext.Current.CancellationToken);
        var pool = ServeProcess.NewPool(PoolBackend.Overlay2, disk.NewDirectory("pool"));
        await FillAsync(pool);
        // A disk that takes its time: whoever opens the pool waits for the thaw.
        using var slow = Freeze(disk);

        await using var daemon = ServeProcess.Start(pool);
        try
        {
            await daemon.AnswerAsync();
            Assert.False(await daemon.ProbeAsync());
            await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.ListVolumesAsync(new()));
            await Refused.AsAsync(StatusCode.Unavailable, daemon.Controller.CreateVolumeAsync(Requests.CreateVolume("early")));
            Assert.False(await daemon.ProbeAsync());
        }
        finally
        {
            slow.Dispose();
        }
        await daemon.BecomeReadyAsync();
        Assert.True(await daemon.ProbeAsync());
        Assert.Equal(Volumes, (await daemon.Controller.ListVolumesAsync(new())).Entries.Count);
    }

    private static async Task FillAsync(PoolSettings pool)
    {
        await using var services = await StorageServices.StartAsync(TestScratch.NewDirectory("run"), [pool]);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Volumes),
            new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (number, _) => await services.CreateAsync($"volume-{number}", size: new ByteSize(1 << 20)));
    }

    private static Frozen Freeze(LoopDisk disk)
    {
        FileSystemFreeze.Freeze(disk.Root);
        return new Frozen(disk);
    }

    private sealed class Frozen(LoopDisk disk) : IDisposable
    {
        private bool _isThawed;

        public void Dispose()
        {
            if (!_isThawed)
                FileSystemFreeze.Thaw(disk.Root);
            _isThawed = true;
        }
    }
}
