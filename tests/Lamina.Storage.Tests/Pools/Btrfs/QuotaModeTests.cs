using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Btrfs;

/// <summary>What a pool makes of the quotas that its filesystem has. Each test has a filesystem of its own, as quotas are for good.</summary>
public sealed class QuotaModeTests : IAsyncLifetime
{
    private LoopDisk _disk = null!;

    public async ValueTask InitializeAsync() => _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);

    public ValueTask DisposeAsync() => _disk.DisposeAsync();

    [Fact]
    public async Task Quotas_NotConfigured_StayOffAndThePoolSaysThatSizesAreAdvisory()
    {
        await using var pool = await CreateAsync(simpleQuota: false);

        AssertAdvisory(pool, "simple quotas are not configured for this pool");
        Assert.Equal(BtrfsQuotaMode.None, BtrfsQuota.GetMode(_disk.Root));
        var volume = await pool.CreateAsync("a", ByteSize.FromMebibytes(4));
        await pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 16));
    }

    [Fact]
    public async Task Quotas_Configured_AreSwitchedOn()
    {
        await using var pool = await CreateAsync(simpleQuota: true);

        Assert.Equal(BtrfsQuotaMode.Simple, BtrfsQuota.GetMode(_disk.Root));
        Assert.True(pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits));
        Assert.Empty(pool.Pool.Description.Warnings);
    }

    [Fact]
    public async Task Quotas_OnInTheFilesystemButNotConfigured_AreNotUsed()
    {
        BtrfsQuota.EnableSimple(_disk.Root);
        await using var pool = await CreateAsync(simpleQuota: false);

        AssertAdvisory(pool, "\"quota\": \"simple\"");
        Assert.Null(Quotas.GroupOf(pool, await pool.CreateAsync("a", ByteSize.FromMebibytes(4))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClassicQuotas_WhateverIsConfigured_AreNeverTouched(bool simpleQuota)
    {
        await RunAsync("quota", "enable", _disk.MountPoint);
        await using var pool = await CreateAsync(simpleQuota);

        AssertAdvisory(pool, simpleQuota ? "classic quotas, which are left alone" : "not configured");
        var volume = await pool.CreateAsync("a", ByteSize.FromMebibytes(4));
        await pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("file"), 8));
        var clone = await pool.RestoreAsync(await pool.SnapshotAsync(volume, "s"), "b");
        await pool.Pool.DeleteVolumeAsync(volume);
        await pool.ReopenAsync();
        await pool.Pool.DeleteVolumeAsync(clone);

        Assert.Equal(BtrfsQuotaMode.Full, BtrfsQuota.GetMode(_disk.Root));
        Assert.DoesNotContain(BtrfsQuota.List(_disk.Root), group => group.Key.Level > 0 || group.Value.Limit is not null);
    }

    [Fact]
    public async Task Volumes_FromBeforeThereWereQuotas_AreLimitedFromThenOn()
    {
        var path = _disk.NewDirectory("pool");
        await using var pool = await DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, path);
        var volume = await pool.CreateAsync("a", ByteSize.FromMebibytes(16));
        await pool.UseAsync(volume, mounted => Quotas.Write(mounted.At("old"), 8));
        await pool.CloseAsync();

        await using (var limited = pool.OpenAnother(pool.Settings with { SimpleQuota = true }))
        {
            await limited.LoadAsync(CancellationToken.None);
            Assert.True(limited.Description.Features.HasFlag(PoolFeatures.HardLimits));
            using var mounted = MountedVolume.Mount(await limited.AttachAsync(volume));
            Assert.True(Quotas.IsWhole(mounted.At("old"), 8));
            Quotas.AssertExceeds(() => Quotas.Write(mounted.At("new"), 24));
        }
        await pool.OpenAsync();
    }

    private static void AssertAdvisory(ScratchPool pool, string reason)
    {
        Assert.False(pool.Pool.Description.Features.HasFlag(PoolFeatures.HardLimits));
        var warning = Assert.Single(pool.Pool.Description.Warnings);
        Assert.StartsWith("sizes are advisory, so a volume may grow past its size: ", warning, StringComparison.Ordinal);
        Assert.Contains(reason, warning, StringComparison.Ordinal);
    }

    private Task<DirectoryScratchPool> CreateAsync(bool simpleQuota) => DirectoryScratchPool.CreateAsync(PoolBackend.Btrfs, _disk.NewDirectory("pool"), simpleQuota);

    private static async Task RunAsync(params string[] arguments)
    {
        var result = await ChildProcess.RunAsync("btrfs", arguments, TestContext.Current.CancellationToken);
        Assert.True(result.Succeeded, result.Error);
    }
}
