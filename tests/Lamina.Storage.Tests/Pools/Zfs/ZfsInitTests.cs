using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>Where a ZFS pool is made, and where not, as something is there already that somebody would miss.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsInitTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private readonly string _place = TestScratch.NewDirectory("init");
    private string _dataset = null!;

    public ValueTask InitializeAsync()
    {
        // Short, as some lie deeper.
        _dataset = fileSystem.NewDataset("l");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        MountCleanup.UnmountBeneath(_place);
        await ZfsFileSystem.DestroyAsync(_dataset);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("", false)]
    [InlineData("/volumes", true)]
    [InlineData("/trash", false)]
    public async Task Init_OfADatasetWithFiles_IsRefusedAndChangesNothing(string beneath, bool isMounted)
    {
        await ZfsFileSystem.RunAsync("create", "-p", "-o", $"mountpoint={_place}", _dataset + beneath);
        await File.WriteAllBytesAsync(Path.Combine(_place, "file"), new byte[200_000].Select((_, at) => (byte)(at * at >> 3)).ToArray());
        if (!isMounted)
            MountCleanup.UnmountBeneath(_place);
        var before = await PropertiesAsync();

        var refused = await Assert.ThrowsAsync<StorageException>(InitAsync);

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains($"{_dataset}{beneath} is not empty", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await PropertiesAsync());
        Assert.Equal(isMounted, MountTable.Read().FindTop(_place) is { } mount && mount.Source == _dataset + beneath);
    }

    [Fact]
    public async Task Init_OfADatasetThatIsMountedAndEmpty_MakesAPoolThatIsMountedNowhere()
    {
        await ZfsFileSystem.RunAsync("create", "-o", $"mountpoint={_place}", _dataset);

        await InitAsync();

        await Eventually.TrueAsync(() => MountTable.Read().FindTop(_place)?.Source != _dataset, "it is mounted nowhere");
    }

    [Fact]
    public async Task Init_WhereADaemonWasKilledThatMadeOne_MakesThePool()
    {
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", "-o", "canmount=off", _dataset);
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", "-o", "canmount=off", $"{_dataset}/volumes");

        await InitAsync();

        Assert.Equal(4, (await PropertiesAsync()).Split('\n').Select(line => line.Split('\t')[0]).Where(name => name.Length > 0).Distinct().Count());
    }

    [Fact]
    public async Task Init_InAnotherPool_IsRefused()
    {
        await InitAsync();

        var refused = await Assert.ThrowsAsync<StorageException>(() => PoolInitializer.InitializeAsync(ZfsScratchPool.SettingsOf($"{_dataset}/i"), null, CancellationToken.None));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains($"would lie in the pool at {_dataset}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_BeneathWhatIsNotThere_SaysHowToMakeThat()
    {
        var refused = await Assert.ThrowsAsync<StorageException>(() => PoolInitializer.InitializeAsync(ZfsScratchPool.SettingsOf($"{_dataset}/d/e"), null, CancellationToken.None));

        Assert.Contains($"zfs create -p -o mountpoint=none {_dataset}/d", refused.Message, StringComparison.Ordinal);
    }

    private Task InitAsync() => PoolInitializer.InitializeAsync(ZfsScratchPool.SettingsOf(_dataset), null, CancellationToken.None);

    private Task<string> PropertiesAsync() => ZfsFileSystem.RunAsync("get", "-Hp", "-r", "-o", "name,property,value,source", "mountpoint,canmount,com.sun:auto-snapshot,lamina:pool", _dataset);
}
