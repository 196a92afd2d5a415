using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>Restores in place of which ZFS refuses a step: nothing of what the volume held may be lost.</summary>
public sealed class ZfsRefusedRestoreTests : IAsyncLifetime
{
    private const string Root = ScriptedZfsPool.Root;
    private const string Figures = $"{Root}\tused\t1000\t-\n{Root}\tavailable\t9000\t-\n";
    private static readonly (int, string, string) s_refusal = (1, "", "cannot rename: I/O error\n");
    private static readonly Volume s_volume = new()
    {
        Id = new VolumeId(ScriptedZfsPool.Id, ObjectKey.FromName("a")), Name = "a", Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch,
    };

    private static readonly string s_record = $"lamina:volume\t{ZfsRecords.Of(s_volume).Single().Value}\tlocal\n";
    private readonly ScriptedZfsPool _scripted = new($"{Figures}{Root}/volumes/a\t{s_record}{SnapshotLines()}", "ONLINE\t1\n", "");
    private Snapshot _snapshot = null!;

    private ScriptedZfs Script => _scripted.Script;

    private IPool Pool => _scripted.Pool;

    public async ValueTask InitializeAsync()
    {
        var contents = await Pool.LoadAsync(default);
        Assert.Empty(contents.Unreadable);
        _snapshot = Assert.Single(contents.Snapshots);
    }

    public ValueTask DisposeAsync() => _scripted.DisposeAsync();

    [Fact]
    public async Task Restore_RefusedBeforeTheVolumeIsMoved_SaysThatNothingHasChanged()
    {
        Script.On($"zfs rename {Root}/volumes/a *", s_refusal).On($"zfs get -Hp -o value type {Root}/trash/a.*", Missing);

        var refused = await RefusedAsync();

        Assert.True(refused.ChangedNothing);
        Assert.StartsWith($"zfs destroy {Root}/incoming/", Assert.Single(Script.Asked, line => line.StartsWith("zfs destroy", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restore_PutBackWhenTheCloneCantTakeThePlace_SaysThatNothingHasChangedWhateverTheCleanUpSays()
    {
        Script.On($"zfs rename {Root}/incoming/*", s_refusal).On($"zfs destroy {Root}/incoming/*", (1, "", "cannot destroy: dataset is gone mad\n")).On($"zfs get -Hp -o value type {Root}/volumes/a", Missing);

        var refused = await RefusedAsync();

        Assert.True(refused.ChangedNothing);
        Assert.Contains("zfs rename: cannot rename: I/O error", refused.Message, StringComparison.Ordinal);
        Assert.Single(Script.Asked, line => line.StartsWith($"zfs rename {Root}/trash/a.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Restore_ThatCanNeitherBeFinishedNorUndone_KeepsBothAndIsFinishedLater()
    {
        Script
            .On($"zfs rename {Root}/incoming/* {Root}/volumes/a", s_refusal).On($"zfs rename {Root}/trash/a.* {Root}/volumes/a", s_refusal)
            .On($"zfs get -Hp -o value type {Root}/volumes/a", Missing);

        var refused = await RefusedAsync();
        var discarded = Assert.Single(Script.Asked, line => line.StartsWith($"zfs rename {Root}/volumes/a ", StringComparison.Ordinal)).Split(' ')[^1];
        Script.On("zfs get -Hp -r *", $"{Figures}{discarded}\t{s_record}");

        Assert.Equal((StorageError.Unavailable, false), (refused.Error, refused.ChangedNothing));
        await WaitForARoundAsync();
        Assert.Contains(Pool.FindProblems(), problem => problem.Contains($"{Root}/volumes/a waits", StringComparison.Ordinal));
        Assert.Equal(StorageError.Unavailable, (await Assert.ThrowsAsync<StorageException>(() => Pool.AttachAsync(s_volume))).Error);
        Assert.Equal(StorageError.Unavailable, (await Assert.ThrowsAsync<StorageException>(() => Pool.DeleteVolumeAsync(s_volume))).Error);
        Assert.DoesNotContain(Script.Asked, line => line.StartsWith("zfs destroy", StringComparison.Ordinal));
        Assert.DoesNotContain(Script.Asked, line => line.StartsWith($"zfs rename {Root}/incoming/", StringComparison.Ordinal) && line.Contains($" {Root}/trash/", StringComparison.Ordinal));

        Script.On($"zfs rename {Root}/incoming/* {Root}/volumes/a");
        await Pool.DetachedAsync(s_volume);

        await Eventually.TrueAsync(() => Script.Asked.Contains($"zfs destroy {discarded}"), "the volume is restored, and what it held before goes");
        await Pool.AttachAsync(s_volume);
    }

    private static (int, string, string) Missing => (1, "", "cannot open: dataset does not exist\n");

    private Task<StorageException> RefusedAsync() => Assert.ThrowsAsync<StorageException>(() => Pool.RestoreVolumeAsync(s_volume, _snapshot));

    private async Task WaitForARoundAsync()
    {
        var before = Script.Asked.Count(line => line.StartsWith("zpool list", StringComparison.Ordinal));
        await Pool.DetachedAsync(s_volume);
        await Eventually.TrueAsync(() => Script.Asked.Count(line => line.StartsWith("zpool list", StringComparison.Ordinal)) > before && Pool.FindProblems().Count > 0, "it was looked at");
    }

    private static string SnapshotLines()
    {
        var snapshot = new Snapshot
        {
            Id = new SnapshotId(ScriptedZfsPool.Id, ObjectKey.FromName("s")), Name = "s", SourceVolume = s_volume.Id, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch,
        };
        var name = $"{Root}/volumes/a@s";
        return $"{name}\tlamina:snapshot\t{ZfsRecords.Of(snapshot).Single().Value}\tlocal\n{name}\tlamina:cut\t{ZfsRecords.Of(new CutMoment(DateTimeOffset.UnixEpoch, null)).Value}\tlocal\n";
    }
}
