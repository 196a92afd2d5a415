using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools;

/// <summary>How often the calls of a pool wait for the disk: that is their price, and it does not depend on how much a volume holds.</summary>
public abstract class FlushCountTests(Func<string> newDirectory, PoolBackend backend) : IAsyncLifetime
{
    private StorageServices? _services;

    private StorageServices Services => _services!;

    public async ValueTask InitializeAsync()
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = backend, Path = newDirectory() };
        PoolInitializer.Initialize(settings);
        _services = await StorageServices.StartAsync(TestScratch.NewDirectory("run"), [settings]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_services is not null)
            await _services.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Create_Empty_FlushesAtMostThreeTimes() => AssertAtMost(3, await FlushCounter.CountAsync(() => Services.CreateAsync("a")));

    [Fact]
    public async Task Create_FromSnapshot_FlushesAtMostThreeTimes()
    {
        var snapshot = await Services.SnapshotAsync("s", await Services.CreateAsync("a"));

        AssertAtMost(3, await FlushCounter.CountAsync(() => Services.CreateAsync("b", VolumeSource.From(snapshot.Id))));
    }

    [Fact]
    public async Task Snapshot_OfADetachedVolume_FlushesAtMostSixTimes()
    {
        var volume = await Services.CreateAsync("a");

        AssertAtMost(backend == PoolBackend.Btrfs ? 3 : 6, await FlushCounter.CountAsync(() => Services.SnapshotAsync("s", volume)));
    }

    [Fact]
    public async Task Delete_FlushesOnce()
    {
        var volume = await Services.CreateAsync("a");
        var snapshot = await Services.SnapshotAsync("s", volume);

        AssertAtMost(1, await FlushCounter.CountAsync(() => Services.DeleteAsync(snapshot)));
        AssertAtMost(1, await FlushCounter.CountAsync(() => Services.DeleteAsync(volume)));
    }

    // None at all would be a counter that sees nothing, or a change that a power cut takes back.
    private static void AssertAtMost(int most, IReadOnlyList<string> flushes) =>
        Assert.True(flushes.Count >= 1 && flushes.Count <= most, $"{flushes.Count} flushes, at most {most}: {string.Join(", ", flushes)}");
}
