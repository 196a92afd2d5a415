using Lamina.Linux;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>A pool that was sent and received as a whole, with ZFS alone.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsMovedPoolTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private ZfsScratchPool _scratch = null!;
    private ZfsScratchPool? _moved;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public async ValueTask DisposeAsync()
    {
        if (_moved is not null)
            await _moved.DisposeAsync();
        await _scratch.DisposeAsync();
    }

    [Fact]
    public async Task Pool_SentAndReceived_HasItsVolumesAndSnapshots()
    {
        var volume = await _scratch.CreateAsync("a", ByteSize.FromMebibytes(32));
        await _scratch.WriteAsync(volume, "file", "then");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        await _scratch.WriteAsync(volume, "file", "now");
        await _scratch.CloseAsync();
        var place = fileSystem.NewDataset("moved");
        await ZfsFileSystem.RunAsync("snapshot", "-r", $"{_scratch.Dataset}@move");
        var sent = await ChildProcess.RunAsync("sh", ["-c", $"zfs send -R {_scratch.Dataset}@move | zfs receive -u {place}"], CancellationToken.None);
        Assert.True(sent.Succeeded, sent.Error);

        _moved = await ZfsScratchPool.OpenAsync(place);

        var loaded = Assert.Single(_moved.Contents.Volumes);
        Assert.Empty(_moved.Contents.Unreadable);
        Assert.Equal((volume.Id, volume.Size), (loaded.Id, loaded.Size));
        Assert.Equal(snapshot.Id, Assert.Single(_moved.Contents.Snapshots).Id);
        Assert.Contains("received", await ZfsFileSystem.RunAsync("get", "-H", "-o", "source", "lamina:volume", $"{place}/volumes/a"), StringComparison.Ordinal);
        Assert.Equal("now", await _moved.ReadAsync(loaded, "file"));
        Assert.Equal("then", await _moved.ReadAsync(await _moved.RestoreAsync(_moved.Contents.Snapshots[0], "b"), "file"));
        // What was cut for the way is nobody's of ours, so the volume waits for it.
        await _moved.Pool.DeleteVolumeAsync(loaded);
        await Eventually.TrueAsync(() => _moved.Pool.FindProblems().Any(problem => problem.Contains("the snapshot move, which is not ours", StringComparison.Ordinal)), "it is told");
    }
}
