using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Guest.Tests;

/// <summary>Encrypted volumes of a ZFS pool, which zfs-fuse has not.</summary>
[Collection<ZfsCollection>]
public sealed class EncryptedZfsVolumeTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private static readonly VolumeKey s_key = NewKey("correct horse battery");
    private ZfsScratchPool _scratch = null!;

    private IPool Pool => _scratch.Pool;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    [Fact]
    public async Task Volume_Detached_IsReadAgainOnlyWithItsKey()
    {
        var volume = await CreateAsync("a");
        await WriteAsync(volume, "then");

        var without = await Assert.ThrowsAsync<StorageException>(() => Pool.UnlockAsync(volume, null));
        var withAnother = await Assert.ThrowsAsync<StorageException>(() => Pool.UnlockAsync(volume, NewKey("another one")));

        Assert.Equal((StorageError.FailedPrecondition, StorageError.InvalidArgument), (without.Error, withAnother.Error));
        Assert.Equal("then", await ReadAsync(volume));
    }

    // Each of them holds the key of all at some time, and each of them is deleted before the others in one of the orders.
    [Theory]
    [InlineData("a s b c")]
    [InlineData("b a s c")]
    [InlineData("c s b a")]
    [InlineData("s b a c")]
    public async Task Family_DeletedInAnyOrder_LeavesNothingAndWhatIsThereCanBeRead(string order)
    {
        var volumes = new Dictionary<string, Volume> { ["a"] = await CreateAsync("a") };
        await WriteAsync(volumes["a"], "then");
        var snapshot = await _scratch.SnapshotAsync(volumes["a"], "s");
        volumes["b"] = await CopyAsync("b", new VolumeContent.OfSnapshot(snapshot) { Key = s_key });
        volumes["c"] = await CopyAsync("c", new VolumeContent.OfVolume(new VolumeInUse(volumes["b"], null)) { Key = s_key });

        foreach (var name in order.Split(' '))
        {
            if (volumes.Remove(name, out var volume))
                await Pool.DeleteVolumeAsync(volume);
            else
                await Pool.DeleteSnapshotAsync(snapshot);
            foreach (var other in volumes.Values)
                Assert.Equal("then", await ReadAsync(other));
        }

        await Eventually.TrueAsync(() => _scratch.List().Count == 4, "nothing but the four datasets of an empty pool is left");
    }

    [Fact]
    public async Task Copy_WithAnOwnerOfItsRoot_IsMadeInOneGo()
    {
        var volume = await CreateAsync("a");

        var copy = await _scratch.CreateAsync(
            NewVolume("b") with { Parameters = NewVolume("b").Parameters with { Uid = 1000 } }, new VolumeContent.OfVolume(new VolumeInUse(volume, null)) { Key = s_key });

        await Pool.UnlockAsync(copy, s_key);
        await _scratch.UseAsync(copy, mounted =>
        {
            using var root = Files.OpenDirectory(mounted.Path);
            Assert.Equal(1000u, Files.Stat(root).Uid);
        });
    }

    private static VolumeKey NewKey(string text) => VolumeKey.Find([new(VolumeKey.SecretName, text)])!;

    private Volume NewVolume(string name) => _scratch.NewVolume(name) with { Parameters = VolumeParameters.None with { Encryption = "aes-256-gcm" } };

    private Task<Volume> CreateAsync(string name) => CopyAsync(name, new VolumeContent.Empty { Key = s_key });

    private Task<Volume> CopyAsync(string name, VolumeContent content) => _scratch.CreateAsync(NewVolume(name), content);

    private async Task WriteAsync(Volume volume, string content)
    {
        await Pool.UnlockAsync(volume, s_key);
        await _scratch.WriteAsync(volume, "file", content);
    }

    private async Task<string?> ReadAsync(Volume volume)
    {
        await Pool.UnlockAsync(volume, s_key);
        return await _scratch.ReadAsync(volume, "file");
    }
}
