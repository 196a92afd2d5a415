using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools;

/// <summary>Which pools are served, and which are not although they could be opened.</summary>
[Collection<Ext4Collection>]
public sealed class PoolSetTests(Ext4FileSystem fileSystem) : IAsyncLifetime
{
    private readonly string _runtime = TestScratch.NewDirectory("run");
    private StorageServices? _services;

    private PoolSet Pools => _services!.Pools;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_services is not null)
            await _services.DisposeAsync();
    }

    [Fact]
    public async Task Pools_WithOneId_AreBothRefusedUntilARestart()
    {
        var original = Settings("original");
        PoolInitializer.Initialize(original);
        var copy = Settings("copy");
        PoolInitializer.Initialize(copy);
        File.Copy(IdentityOf(original), IdentityOf(copy), overwrite: true);

        await StartAsync(original, copy);

        Assert.All(Pools.List(), status => Assert.Contains("have the same id", status.Problem, StringComparison.Ordinal));
        Assert.Empty(Pools.Loaded);

        // One of them alone is as doubtful as before: nobody has said which one is meant.
        Directory.Move(copy.Path, copy.Path + "-away");
        Assert.False(await Pools.RetryAsync(CancellationToken.None));
        Assert.Empty(Pools.Loaded);
    }

    [Fact]
    public async Task Pool_ThatWasForgotten_IsNotServedWhenItComesBack()
    {
        var settings = Settings("gone");
        PoolInitializer.Initialize(settings);
        await StartAsync(settings);
        var id = Pools.Loaded.Single().Id;
        await _services!.DisposeAsync();
        var away = fileSystem.NewDirectory() + "-away";
        Directory.Move(settings.Path, away);
        await StartAsync(settings);
        Pools.Forget(id);
        Directory.Move(away, settings.Path);

        Assert.False(await Pools.RetryAsync(CancellationToken.None));

        Assert.Contains("was forgotten", Pools.List().Single().Problem, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(settings.Path, "pool.json")));
    }

    [Fact]
    public async Task Add_OfAPoolThatARetryHasLoaded_AnswersIt()
    {
        var settings = Settings("late");
        Directory.Delete(settings.Path);
        await StartAsync(settings);
        await Pools.InitializeAsync(settings, null, CancellationToken.None);
        Assert.True(await Pools.RetryAsync(CancellationToken.None));
        var loaded = Pools.Loaded.Single();

        Assert.Same(loaded.Pool, (await Pools.AddAsync(settings, CancellationToken.None)).Pool);

        var other = settings with { Path = fileSystem.NewDirectory() };
        Assert.Equal(StorageError.AlreadyExists, (await Assert.ThrowsAsync<StorageException>(() => Pools.AddAsync(other, CancellationToken.None))).Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Add_WhileARetryHasItOnItsList_IsLoadedOnce(bool isRetryFirst)
    {
        var settings = Settings("late");
        Directory.Delete(settings.Path);
        await StartAsync(settings);
        await Pools.InitializeAsync(settings, null, CancellationToken.None);

        // Each runs up to where it waits for the other: both know the pool as one that is missing.
        Func<Task>[] calls = [() => Pools.AddAsync(settings, CancellationToken.None), () => Pools.RetryAsync(CancellationToken.None)];
        await Task.WhenAll((isRetryFirst ? calls.Reverse() : calls).Select(call => call()).ToList());

        var status = Pools.List().Single();
        Assert.Null(status.Problem);
        Assert.NotNull(status.Loaded);
        await _services!.CreateAsync("a");
        Assert.False(await Pools.RetryAsync(CancellationToken.None));
    }

    private static string IdentityOf(PoolSettings settings) => Path.Combine(settings.Path, "pool.json");

    private PoolSettings Settings(string name) =>
        new() { Name = IStorageValue<PoolName>.Parse(name), Backend = PoolBackend.Overlay2, Path = fileSystem.NewDirectory() };

    private async Task StartAsync(params PoolSettings[] pools) => _services = await StorageServices.StartAsync(_runtime, pools);
}
