using Lamina.Testing;

namespace Lamina.Storage.Tests;

/// <summary>What a restore in place leaves when it fails; that it works is for the pools' and the command line's tests.</summary>
public sealed class RestoreInPlaceTests : IAsyncLifetime
{
    private readonly string _directory = TestScratch.NewDirectory("pool");
    private ScratchStorage _storage = null!;

    public async ValueTask InitializeAsync() => _storage = await ScratchStorage.StartAsync(_directory);

    public ValueTask DisposeAsync() => _storage.DisposeAsync();

    [Fact]
    public async Task Restore_ThatFailsInThePool_KeepsTheStateBefore()
    {
        var volume = await _storage.CreateAsync("a");
        await _storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "then"));
        var layers = Path.Combine(_directory, "layers");
        var layer = Assert.Single(Directory.GetDirectories(layers));
        var snapshot = await _storage.SnapshotAsync("then", volume);
        await _storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "now"));
        var elsewhere = Path.Combine(_directory, "elsewhere");
        Directory.Move(layer, elsewhere);

        var before = new SnapshotRequest { Name = "before", Volume = volume.Id, Door = Door.Cli };
        var failed = await Assert.ThrowsAsync<StorageException>(() => _storage.Snapshots.RestoreInPlaceAsync(snapshot.Id, before, CancellationToken.None));
        Directory.Move(elsewhere, layer);

        Assert.EndsWith("The state before is kept as snapshot 'before'", failed.Message, StringComparison.Ordinal);
        Assert.Equal("now", await _storage.ReadAsync(volume, "file"));
        var kept = _storage.Snapshots.GetByNameOrId("before");
        Assert.Equal("now", await _storage.ReadAsync(await _storage.CreateAsync("b", VolumeSource.From(kept.Id)), "file"));
        var restored = await _storage.Snapshots.RestoreInPlaceAsync(snapshot.Id, before with { Name = "again" }, CancellationToken.None);
        Assert.Equal("then", await _storage.ReadAsync(restored.Volume, "file"));
    }
}
