using Lamina.Storage.Pools;

namespace Lamina.Storage.Tests.Pools;

/// <summary>Where no pool can be made, and what is said then.</summary>
public sealed class PoolInitializerTests
{
    [Theory]
    [InlineData(PoolBackend.Overlay2)]
    [InlineData(PoolBackend.Btrfs)]
    public async Task Pool_BelowAFile_IsRefusedByNamingThePath(PoolBackend backend)
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = backend, Path = "/dev/null/below" };

        var refused = await Assert.ThrowsAsync<StorageException>(() => PoolInitializer.InitializeAsync(settings, null, TestContext.Current.CancellationToken));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.Contains("/dev/null/below", refused.Message, StringComparison.Ordinal);
    }
}
