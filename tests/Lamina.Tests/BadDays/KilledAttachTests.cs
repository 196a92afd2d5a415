using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Wire = Csi.V1;

namespace Lamina.Tests.BadDays;

/// <summary>A daemon that is killed when an image has become a device and is not mounted yet.</summary>
public sealed class KilledAttachTests
{
    // Fresh daemons are slow: most of them are hit at the first try.
    private const int Tries = 40;

    [Theory]
    [InlineData("")]
    [InlineData("ext4")]
    public async Task Daemon_KilledBetweenDeviceAndMount_LeavesNoDevice(string fileSystem)
    {
        var pool = PoolPlace.Make("pool");
        await using var daemon = new DaemonProcess(pool.Arguments);
        await daemon.StartAsync();
        var capability = fileSystem.Length == 0 ? Requests.Block() : Requests.Mount(fileSystem: fileSystem);
        var volume = await CreateAsync(daemon, capability);
        var staging = TestScratch.NewDirectory("staging");

        for (var left = Tries; !await KillInAttachAsync(daemon, pool, Requests.Stage(volume, staging, capability)); left--)
        {
            Assert.True(left > 0, "the daemon was never hit between the device and the mount");
            await daemon.StartAsync();
            await UnstageAsync(daemon, volume, staging);
            await AssertNoDeviceAsync(pool);
        }
        // Nothing tells the next one of the attempt but the device itself.
        File.Delete(Assert.Single(Directory.EnumerateFiles(Path.Combine(daemon.RuntimeDirectory, "holders", volume))));
        await daemon.StartAsync();
        await AssertNoDeviceAsync(pool);

        using (var connection = new CsiConnection(daemon.CsiSocket))
        {
            await connection.Node.NodeStageVolumeAsync(Requests.Stage(volume, staging, capability));
            Assert.Single(DevicesOf(pool));
        }
        await UnstageAsync(daemon, volume, staging);
        await AssertNoDeviceAsync(pool);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Empty(daemon.Faults());
    }

    private static async Task<string> CreateAsync(DaemonProcess daemon, Wire.VolumeCapability capability)
    {
        using var connection = new CsiConnection(daemon.CsiSocket);
        var request = new Wire.CreateVolumeRequest { Name = "volume", VolumeCapabilities = { capability }, CapacityRange = new() { RequiredBytes = 16 << 20 } };
        return (await connection.Controller.CreateVolumeAsync(request)).Volume.VolumeId;
    }

    /// <summary>Kills the daemon as soon as there is a device; true when that was before there was a mount.</summary>
    private static async Task<bool> KillInAttachAsync(DaemonProcess daemon, PoolPlace pool, Wire.NodeStageVolumeRequest request)
    {
        using var connection = new CsiConnection(daemon.CsiSocket);
        var call = connection.Node.NodeStageVolumeAsync(request).ResponseAsync;
        SpinWait.SpinUntil(() => HasDevice(pool) || call.IsCompleted, TimeSpan.FromMinutes(1));
        daemon.Kill();
        try
        {
            await call;
        }
        catch (RpcException)
        {
            // That it was killed is the point.
        }
        return !MountTable.Read().Beneath(Path.Combine(daemon.RuntimeDirectory, "mounts")).Any();
    }

    private static async Task UnstageAsync(DaemonProcess daemon, string volume, string staging)
    {
        using var connection = new CsiConnection(daemon.CsiSocket);
        await connection.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume, StagingTargetPath = staging });
    }

    // Without opening the device, which would keep it.
    private static bool HasDevice(PoolPlace pool)
    {
        foreach (var directory in Directory.EnumerateDirectories("/sys/block", "loop*"))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(directory, "loop", "backing_file")).StartsWith(pool.Path, StringComparison.Ordinal))
                    return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Not in use, or not any more.
            }
        }
        return false;
    }

    private static IEnumerable<LoopStatus> DevicesOf(PoolPlace pool) => LoopDevice.List().Where(loop => loop.BackingFile.StartsWith(pool.Path, StringComparison.Ordinal));

    private static Task AssertNoDeviceAsync(PoolPlace pool) => Eventually.TrueAsync(() => !DevicesOf(pool).Any(), "no loop device is left");
}
