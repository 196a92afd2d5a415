using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>The room of a pool as the administrator has bounded it, and what is set aside in it.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsSpaceTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private ZfsScratchPool _scratch = null!;

    private IPool Pool => _scratch.Pool;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    [Fact]
    public async Task Capacity_OfAPoolWithAQuota_IsThatAndNotTheDisks()
    {
        await ZfsFileSystem.RunAsync("set", "quota=100M", _scratch.Dataset);

        await Eventually.TrueAsync(() => Pool.GetCapacity().Total.Bytes == 100 << 20, "the quota is what there is");

        Assert.InRange(Pool.GetCapacity().Available.Bytes, 90 << 20, 100 << 20);
    }

    [Fact]
    public async Task Capacity_OfAPoolBesideAReservation_IsWithoutIt()
    {
        var before = Pool.GetCapacity().Available;
        var beside = fileSystem.NewDataset("beside");

        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", "-o", "reservation=500M", beside);
        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes <= before.Bytes - (490 << 20), "what is set aside for somebody else is not available");
        await ZfsFileSystem.DestroyAsync(beside);

        // And what is set aside for the pool is, whatever else there is.
        await ZfsFileSystem.RunAsync("set", "reservation=500M", _scratch.Dataset);
        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes >= 490 << 20, "what is set aside for the pool is available");
    }

    [Fact]
    public async Task Volume_WithItsSizeSetAside_LeavesNoRoomForAnotherOfThatSize()
    {
        await ZfsFileSystem.RunAsync("set", "quota=100M", _scratch.Dataset);
        var reserved = VolumeParameters.None with { Reserve = true };
        var volume = await _scratch.CreateAsync(_scratch.NewVolume("a", ByteSize.FromMebibytes(60)) with { Parameters = reserved }, new VolumeContent.Empty());

        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes < 40 << 20, "the room is taken");
        var refused = await Assert.ThrowsAsync<StorageException>(
            () => _scratch.CreateAsync(_scratch.NewVolume("b", ByteSize.FromMebibytes(60)) with { Parameters = reserved }, new VolumeContent.Empty()));
        var larger = await Assert.ThrowsAsync<StorageException>(() => Pool.ResizeVolumeAsync(volume with { Size = ByteSize.FromMebibytes(200) }));

        Assert.Equal((StorageError.ResourceExhausted, StorageError.ResourceExhausted), (refused.Error, larger.Error));
        Assert.Equal(volume.Size, Assert.Single((await _scratch.ReopenAsync()).Volumes).Size);
        await _scratch.TrashEmptiesAsync();
    }
}
