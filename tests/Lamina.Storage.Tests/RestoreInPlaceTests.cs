using System.Text.Json.Nodes;
using Lamina.Testing;

namespace Lamina.Storage.Tests;

/// <summary>What a restore in place leaves when it fails, and which volume it takes for the snapshot's; that it works is for the pools' and the command line's tests.</summary>
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

    // Whichever flush fails, and whether the disk takes any after it: what is written from then on must be found by the next daemon, and what went before by its snapshot.
    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task Restore_WhoseFlushFails_LosesNothingThatIsWrittenLater(int failing)
    {
        var volume = await _storage.CreateAsync("a");
        await _storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), "then"));
        var snapshot = await _storage.SnapshotAsync("then", volume);
        var tried = 0;
        for (var isDone = false; !isDone; tried++)
        {
            var (at, now) = (tried, $"now {tried}");
            await _storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "file"), now));
            var before = new SnapshotRequest { Name = $"before-{at}", Volume = volume.Id, Door = Door.Cli };
            var flushes = await FailingFlush.InAsync(at, failing, async () =>
            {
                try
                {
                    await _storage.Snapshots.RestoreInPlaceAsync(snapshot.Id, before, CancellationToken.None);
                }
                catch (StorageException)
                {
                    // What is left is looked at.
                }
            });
            isDone = flushes <= at;

            await _storage.UseAsync(volume, path =>
            {
                Assert.True(File.ReadAllText(Path.Combine(path, "file")) is var content && (content == "then" || content == now), content);
                File.WriteAllText(Path.Combine(path, "later"), now);
            });
            await _storage.StartAgainAsync();
            Assert.Equal(now, await _storage.ReadAsync(volume, "later"));
        }

        Assert.True(tried > 5, $"{tried} flushes were tried");
    }

    // As in one tick of the clock, and as after the clock was set back.
    [Theory]
    [InlineData(0)]
    [InlineData(-3600)]
    public async Task Snapshot_OfAVolumeWhoseNameAnotherHasSince_IsNotOfThatOneWhateverTheClockSays(int seconds)
    {
        var snapshot = await _storage.SnapshotAsync("s", await _storage.CreateAsync("a"));
        await _storage.Services.DeleteAsync(await _storage.CreateAsync("a"));
        await _storage.CreateAsync("a");
        await ChangeAsync("volumes/a", record => record["volume"]!["createdAt"] = snapshot.CreatedAt.AddSeconds(seconds));

        var refused = await Assert.ThrowsAsync<StorageException>(() => RestoreAsync("s"));
        Assert.Equal(StorageError.NotFound, refused.Error);
        Assert.Contains("is gone", refused.Message, StringComparison.Ordinal);
        var taken = await Assert.ThrowsAsync<StorageException>(() => _storage.SnapshotAsync("s", Get("a")));
        Assert.Equal(StorageError.AlreadyExists, taken.Error);
        Assert.Contains("of an earlier volume", taken.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(1, false)]
    public async Task Snapshot_OfAnEarlierVersion_GoesByTime(int seconds, bool isOfIt)
    {
        var snapshot = await _storage.SnapshotAsync("s", await _storage.CreateAsync("a"));
        await ChangeAsync("snapshots/s", record => Assert.True(record["snapshot"]!.AsObject().Remove("sourceIncarnation")));
        await ChangeAsync("volumes/a", record =>
        {
            Assert.True(record["volume"]!.AsObject().Remove("incarnation"));
            record["volume"]!["createdAt"] = snapshot.CreatedAt.AddSeconds(seconds);
        });

        Assert.Equal(isOfIt, _storage.Snapshots.GetByNameOrId("s").IsOf(Get("a")));
        if (isOfIt)
            await RestoreAsync("s");
        else
            Assert.Equal(StorageError.NotFound, (await Assert.ThrowsAsync<StorageException>(() => RestoreAsync("s"))).Error);
    }

    [Fact]
    public async Task Volume_RestoredInPlace_IsStillTheVolumeOfItsSnapshots()
    {
        await _storage.SnapshotAsync("s", await _storage.CreateAsync("a"));
        await RestoreAsync("s");
        await _storage.StartAgainAsync();

        Assert.All(["s", "before"], name => Assert.True(_storage.Snapshots.GetByNameOrId(name).IsOf(Get("a"))));
    }

    private Volume Get(string name) => _storage.Volumes.GetByNameOrId(name);

    private Task RestoreAsync(string snapshot) => _storage.Snapshots.RestoreInPlaceAsync(
        _storage.Snapshots.GetByNameOrId(snapshot).Id, new SnapshotRequest { Name = "before", Volume = Get("a").Id, Door = Door.Cli }, CancellationToken.None);

    private async Task ChangeAsync(string place, Action<JsonNode> change)
    {
        var file = Path.Combine(_directory, place, "record.json");
        var record = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        change(record);
        await File.WriteAllTextAsync(file, record.ToJsonString());
        await _storage.StartAgainAsync();
    }
}
