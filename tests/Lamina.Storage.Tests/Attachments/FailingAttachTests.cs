using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Attachments;

/// <summary>Volumes that can't be attached, and who holds them then.</summary>
public sealed class FailingAttachTests : IAsyncLifetime
{
    private static readonly HolderIdentity First = new(Door.Cli, HolderKind.User, "first");
    private static readonly HolderIdentity Second = new(Door.Cli, HolderKind.User, "second");
    private readonly string _root = TestScratch.NewDirectory("root");
    private readonly string _runtime = TestScratch.NewDirectory("run");
    private readonly PoolSettings _settings = new() { Name = PoolName.Bind, Backend = PoolBackend.Bind, Path = TestScratch.NewPath("bind") };
    private StorageServices _services = null!;

    private AttachmentService Attachments => _services.Attachments;

    public async ValueTask InitializeAsync()
    {
        PoolInitializer.Initialize(_settings);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var holder in _services.Catalog.Volumes().SelectMany(volume => Attachments.HoldersOf(volume.Id)).ToList())
            await Attachments.DetachAsync(holder.Volume, holder.Identity, CancellationToken.None);
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Attach_ThatFailsForASecondHolder_LeavesTheFirstOneAlone()
    {
        var (volume, source) = await CreateAsync("data");
        await AttachAsync(volume, First);
        Mounts.Unmount(Attachments.MountPointOf(volume)!);
        Directory.Delete(source);

        await Assert.ThrowsAsync<StorageException>(() => AttachAsync(volume, Second));
        Assert.Equal([First], Attachments.HoldersOf(volume).Select(holder => holder.Identity));
    }

    [Fact]
    public async Task Attach_TriedAgainByItsHolderInVain_StaysHeld()
    {
        var (volume, source) = await CreateAsync("data");
        await AttachAsync(volume, First);
        Mounts.Unmount(Attachments.MountPointOf(volume)!);
        Directory.Delete(source);

        await Assert.ThrowsAsync<StorageException>(() => AttachAsync(volume, First));
        Assert.Equal([First], Attachments.HoldersOf(volume).Select(holder => holder.Identity));
    }

    [Fact]
    public async Task Attach_OfADirectoryWhoseServerIsGone_IsUnavailableAndNotHeld()
    {
        var (volume, source) = await CreateAsync("data");
        using var dead = new DeadFileSystem(source);

        var refused = await Assert.ThrowsAsync<StorageException>(() => AttachAsync(volume, First));
        Assert.Equal(StorageError.Unavailable, refused.Error);
        Assert.Empty(Attachments.HoldersOf(volume));
    }

    [Fact]
    public async Task Reconcile_WithOneVolumeWhoseServerIsGone_MountsTheOthers()
    {
        var (sick, source) = await CreateAsync("a");
        var (well, _) = await CreateAsync("b");
        await AttachAsync(sick, First);
        await AttachAsync(well, First);
        Mounts.Unmount(Attachments.MountPointOf(sick)!);
        Mounts.Unmount(Attachments.MountPointOf(well)!);
        using var dead = new DeadFileSystem(source);
        await _services.DisposeAsync();
        await StartAsync();

        Assert.Null(Attachments.MountPointOf(sick));
        Assert.NotNull(Attachments.MountPointOf(well));
        Assert.NotEmpty(Attachments.HoldersOf(sick));
    }

    [Fact]
    public async Task Detach_OfAVolumeWhoseServerIsGone_Unmounts()
    {
        var (volume, _) = await CreateAsync("data");
        var mountPoint = await AttachAsync(volume, First);
        Mounts.Unmount(mountPoint);

        // As if its server had ended while the volume was attached.
        _ = new DeadFileSystem(mountPoint);
        Assert.Equal(mountPoint, Attachments.MountPointOf(volume));
        await Attachments.DetachAsync(volume, First, CancellationToken.None);
        Assert.Null(Attachments.MountPointOf(volume));
        Assert.False(Directory.Exists(mountPoint));
    }

    private async Task StartAsync() => _services = await StorageServices.StartAsync(_runtime, [_settings], _root);

    private Task<string> AttachAsync(VolumeId volume, HolderIdentity holder) => Attachments.AttachAsync(volume, holder, "", CancellationToken.None);

    private async Task<(VolumeId Volume, string Source)> CreateAsync(string name)
    {
        var source = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        var volume = await _services.Volumes.CreateAsync(
            new VolumeRequest
            {
                Name = name,
                Door = Door.Cli,
                Pool = PoolName.Bind,
                Parameters = VolumeParameters.None with { Source = IStorageValue<MountTarget>.Parse(source) },
            },
            CancellationToken.None);
        return (volume.Id, source);
    }
}
