using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>What becomes in a ZFS pool of what is deleted, of what a killed daemon left, and of what is not ours.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsTrashTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private ZfsScratchPool _scratch = null!;

    private IPool Pool => _scratch.Pool;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    [Fact]
    public async Task Trash_AfterDeletesInAnyOrder_IsEmpty()
    {
        var volume = await _scratch.CreateAsync("a");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        var copy = await _scratch.RestoreAsync(snapshot, "b");
        var clone = await _scratch.CloneAsync(copy, "c");

        await Pool.DeleteVolumeAsync(volume);
        await Pool.DeleteVolumeAsync(copy);
        await Pool.DeleteSnapshotAsync(snapshot);
        await Pool.DeleteVolumeAsync(clone);

        await _scratch.TrashEmptiesAsync();
        Assert.Equal(4, _scratch.List().Count);
    }

    [Fact]
    public async Task Volume_DeletedThatACopyLivesFrom_IsGoneAndTheCopyHasTheSnapshots()
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "then");
        var first = await _scratch.SnapshotAsync(volume, "first");
        var second = await _scratch.SnapshotAsync(volume, "second");
        var copy = await _scratch.RestoreAsync(second, "b");

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => _scratch.ListTrash().Count == 0, "the dataset is gone");
        Assert.Contains($"{_scratch.Dataset}/volumes/b@first", _scratch.List());
        var third = await _scratch.RestoreAsync(first, "c");
        Assert.Equal("then", await _scratch.ReadAsync(third, "file"));
        var contents = await _scratch.ReopenAsync();
        Assert.Equal(["first", "second"], contents.Snapshots.Select(snapshot => snapshot.Name).Order(StringComparer.Ordinal));
        await Pool.DeleteSnapshotAsync(first);
        await Pool.DeleteSnapshotAsync(second);
        await Pool.DeleteVolumeAsync(copy);
        await Pool.DeleteVolumeAsync(third);
        await _scratch.TrashEmptiesAsync();
    }

    [Fact]
    public async Task Volume_DeletedWhoseSnapshotStays_GivesBackWhatItAloneHeld()
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "then");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        await _scratch.UseAsync(volume, mounted => File.WriteAllBytes(mounted.At("large"), RandomBytes(16 << 20)));
        await Eventually.TrueAsync(() => UsedBy("a") > 12 << 20, "the space is taken");

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => UsedBy("trash") < 4 << 20, "the space comes back");
        Assert.Equal("then", await _scratch.ReadAsync(await _scratch.RestoreAsync(snapshot, "b"), "file"));
    }

    [Fact]
    public async Task Dataset_WithASnapshotThatIsNotOurs_WaitsForItAndSaysSo()
    {
        var volume = await _scratch.CreateAsync("a");
        var kept = await _scratch.CreateAsync("b");
        await ZfsFileSystem.RunAsync("snapshot", $"{_scratch.Dataset}/volumes/a@autosnap");

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => Pool.FindProblems().Count == 1, "it is told");
        Assert.Contains("autosnap, which is not ours", Pool.FindProblems()[0], StringComparison.Ordinal);
        var foreign = Assert.Single(_scratch.List(), name => name.EndsWith("@autosnap", StringComparison.Ordinal));
        Assert.Single((await _scratch.ReopenAsync()).Volumes);
        Assert.Contains(foreign, _scratch.List());

        // zfs-fuse refuses it in the moment in which the dataset is taken back to it.
        await ZfsFileSystem.DestroyAsync(foreign);
        await Pool.DeleteVolumeAsync(kept);
        await _scratch.TrashEmptiesAsync();
        await Eventually.TrueAsync(() => Pool.FindProblems().Count == 0, "there is nothing to tell any more");
    }

    [Fact]
    public async Task Dataset_WithOthersBeneathIt_WaitsForThemAndSaysSo()
    {
        var volume = await _scratch.CreateAsync("a");
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", $"{_scratch.Dataset}/volumes/a/child");

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => Pool.FindProblems().Count == 1, "it is told");
        Assert.Contains("has datasets beneath it, which are not ours", Pool.FindProblems()[0], StringComparison.Ordinal);
        Assert.Equal(1, Pool.GetFigures().TrashEntries);
        await ZfsFileSystem.DestroyAsync(Assert.Single(_scratch.List(), name => name.EndsWith("/child", StringComparison.Ordinal)));
        await _scratch.ReopenAsync();
        await _scratch.TrashEmptiesAsync();
        await Eventually.TrueAsync(() => Pool.GetFigures().TrashEntries == 0, "nothing is counted any more");
    }

    [Fact]
    public async Task Snapshot_ThatSomebodyHolds_WaitsForHimAndSaysSo()
    {
        var volume = await _scratch.CreateAsync("a");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        await ZfsFileSystem.RunAsync("hold", "backup", $"{_scratch.Dataset}/volumes/a@s");

        await Pool.DeleteSnapshotAsync(snapshot);

        await Eventually.TrueAsync(() => Pool.FindProblems().Count == 1, "it is told");
        Assert.Contains("somebody holds it", Pool.FindProblems()[0], StringComparison.Ordinal);
        await ZfsFileSystem.RunAsync("release", "backup", Assert.Single(_scratch.ListTrash()));
        await _scratch.ReopenAsync();
        await _scratch.TrashEmptiesAsync();
    }

    [Fact]
    public async Task Unfinished_OfAKilledDaemon_IsRemovedByTheNextLoad()
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "content");
        await _scratch.CloseAsync();
        var record = (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "lamina:volume", $"{_scratch.Dataset}/volumes/a")).TrimEnd('\n');
        await ZfsFileSystem.RunAsync("create", "-o", $"lamina:volume={record}", "-o", "mountpoint=none", $"{_scratch.Dataset}/incoming/unfinished:halfhalfhalfa");
        await ZfsFileSystem.RunAsync("snapshot", "-o", "lamina:snapshot={}", $"{_scratch.Dataset}/volumes/a@cut");
        await ZfsFileSystem.RunAsync("snapshot", "-o", "lamina:copy-point=x", $"{_scratch.Dataset}/volumes/a@trash.abcdefghijklm");
        // As a power cut leaves them between the two steps of a command.
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", $"{_scratch.Dataset}/incoming/unfinished:withoutrecord");
        await ZfsFileSystem.RunAsync("clone", "-o", "mountpoint=none", $"{_scratch.Dataset}/volumes/a@trash.abcdefghijklm", $"{_scratch.Dataset}/incoming/unfinished:withoutrecora");

        var contents = await _scratch.OpenAsync();

        Assert.Equal(volume.Id, Assert.Single(contents.Volumes).Id);
        Assert.Empty(contents.Snapshots);
        Assert.Empty(contents.Unreadable);
        await _scratch.TrashEmptiesAsync();
        Assert.Equal(5, _scratch.List().Count);
        Assert.Equal("content", await _scratch.ReadAsync(volume, "file"));
    }

    // Somebody has received or renamed it there: nothing of it may go, whatever becomes of what is ours.
    [Fact]
    public async Task Dataset_ThatIsNotOurs_StaysWhereWeBuildAndThrowAwayAndIsTold()
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "content");
        var record = (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "lamina:volume", $"{_scratch.Dataset}/volumes/a")).TrimEnd('\n');
        await _scratch.CloseAsync();
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", $"{_scratch.Dataset}/incoming/received");
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", $"{_scratch.Dataset}/trash/received");
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", "-o", $"lamina:volume={record}", $"{_scratch.Dataset}/trash/a-from-the-backup");
        await ZfsFileSystem.RunAsync("create", "-o", "mountpoint=none", "-o", $"lamina:volume={record.Replace(volume.Id.Pool.ToString(), "abcdefghijklm", StringComparison.Ordinal)}", $"{_scratch.Dataset}/trash/a.abcdefghijklm");
        // By names that could be random ones, and with so little in them that ZFS may count nothing of it.
        foreach (var full in (string[])["incoming/configuration", "trash/configuration", "trash/a.configuration"])
        {
            var place = TestScratch.NewDirectory("full");
            await ZfsFileSystem.RunAsync("create", "-o", $"mountpoint={place}", $"{_scratch.Dataset}/{full}");
            await File.WriteAllTextAsync(Path.Combine(place, "file"), "precious");
            MountCleanup.UnmountBeneath(place);
            await ZfsFileSystem.RunAsync("set", "mountpoint=none", $"{_scratch.Dataset}/{full}");
        }
        await ZfsFileSystem.RunAsync("snapshot", "-o", "lamina:snapshot={}", $"{_scratch.Dataset}/trash/received@trash.abcdefghijklm");
        var foreign = _scratch.List().Where(name => name.Contains("/incoming/", StringComparison.Ordinal) || name.Contains("/trash/", StringComparison.Ordinal)).ToList();
        Assert.Equal(8, foreign.Count);

        Assert.Single((await _scratch.OpenAsync()).Volumes);
        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => _scratch.List().Count == 4 + foreign.Count && Pool.FindProblems().Count == 7, "what is ours is gone, and what is not is told");
        Assert.Superset(foreign.ToHashSet(), _scratch.List().ToHashSet());
        Assert.All(Pool.FindProblems(), problem => Assert.Contains("is not ours", problem, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Snapshot_DeletedAfterItsVolume_GivesBackWhatItAloneHeld()
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "then");
        var first = await _scratch.SnapshotAsync(volume, "first");
        await _scratch.UseAsync(volume, mounted => File.WriteAllBytes(mounted.At("large"), RandomBytes(8 << 20)));
        var second = await _scratch.SnapshotAsync(volume, "second");
        await Pool.DeleteVolumeAsync(volume);
        await Eventually.TrueAsync(() => UsedBy("trash") > 6 << 20, "the space is taken");
        await _scratch.ReopenAsync();

        await Pool.DeleteSnapshotAsync(second);

        await Eventually.TrueAsync(() => UsedBy("trash") < 4 << 20, "the space comes back");
        Assert.Equal("then", await _scratch.ReadAsync(await _scratch.RestoreAsync(first, "b"), "file"));
    }

    [Fact]
    public async Task Volume_DeletedWhoseCopyIsDeletedToo_HasNothingSetAsideAnyMore()
    {
        var volume = await _scratch.CreateAsync(_scratch.NewVolume("a", ByteSize.FromMebibytes(64)) with { Parameters = VolumeParameters.None with { Reserve = true } }, new VolumeContent.Empty());
        var copy = await _scratch.RestoreAsync(await _scratch.SnapshotAsync(volume, "s"), "b");
        await _scratch.SnapshotAsync(copy, "t");
        await Pool.DeleteVolumeAsync(copy);
        Assert.True(UsedBy("a") >= 64 << 20);

        await Pool.DeleteVolumeAsync(volume);

        await Eventually.TrueAsync(() => UsedBy("trash") < 4 << 20, "what was set aside is free");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restore_OfAKilledDaemon_IsFinishedWhereItWasDecidedAndForgottenWhereNot(bool isDecided)
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", "then");
        await _scratch.SnapshotAsync(volume, "s");
        await _scratch.WriteAsync(volume, "file", "now");
        await _scratch.CloseAsync();
        var (place, discarded) = ($"{_scratch.Dataset}/volumes/a", $"{_scratch.Dataset}/trash/a.abcdefghijklm");
        var record = (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "lamina:volume", place)).TrimEnd('\n');
        await ZfsFileSystem.RunAsync("clone", "-o", $"lamina:volume={record}", "-o", "lamina:replaces=trash/a.abcdefghijklm", "-o", "mountpoint=none", "-o", "canmount=noauto", $"{place}@s", $"{_scratch.Dataset}/incoming/unfinished:bbbbbbbbbbbbb");
        if (isDecided)
            await ZfsFileSystem.RunAsync("rename", place, discarded);

        var contents = await _scratch.OpenAsync();

        Assert.Equal(volume.Id, Assert.Single(contents.Volumes).Id);
        Assert.Equal("s", Assert.Single(contents.Snapshots).Name);
        Assert.Equal(isDecided ? "then" : "now", await _scratch.ReadAsync(volume, "file"));
        await Pool.DeleteSnapshotAsync(contents.Snapshots[0]);
        await _scratch.TrashEmptiesAsync();
        Assert.Equal(5, _scratch.List().Count);
    }

    // What it was to take the place of was deleted since: that must not bring it back.
    [Fact]
    public async Task Restore_GivenUpOfAVolumeThatIsDeletedSince_DoesNotBringItBack()
    {
        var volume = await _scratch.CreateAsync("a");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        var record = (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "lamina:volume", $"{_scratch.Dataset}/volumes/a")).TrimEnd('\n');
        await Pool.DeleteVolumeAsync(volume);
        await _scratch.CloseAsync();
        var origin = Assert.Single(_scratch.List(), name => name.EndsWith("@s", StringComparison.Ordinal));
        await ZfsFileSystem.RunAsync("clone", "-o", $"lamina:volume={record}", "-o", "lamina:replaces=trash/a.abcdefghijklm", "-o", "mountpoint=none", "-o", "canmount=noauto", origin, $"{_scratch.Dataset}/incoming/unfinished:bbbbbbbbbbbbb");

        var contents = await _scratch.OpenAsync();

        Assert.Empty(contents.Volumes);
        await Pool.DeleteSnapshotAsync(snapshot);
        await _scratch.TrashEmptiesAsync();
        Assert.Equal(4, _scratch.List().Count);
    }

    [Theory]
    [InlineData("{ \"format\": 1, \"volu", "cut")]
    [InlineData("{ \"format\": 2 }", "of a later version")]
    [InlineData("{ \"format\": 1 }", "without a volume")]
    public async Task Record_Unreadable_IsReportedAndKeptAndNothingIsSwept(string content, string what)
    {
        var volume = await _scratch.CreateAsync("a");
        await _scratch.WriteAsync(volume, "file", what);
        var other = await _scratch.CreateAsync("b");
        await _scratch.CloseAsync();
        var dataset = $"{_scratch.Dataset}/volumes/a";
        var before = (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "lamina:volume", dataset)).TrimEnd('\n');
        await ZfsFileSystem.RunAsync("set", $"lamina:volume={content}", dataset);

        var contents = await _scratch.OpenAsync();

        Assert.Equal(other.Id, Assert.Single(contents.Volumes).Id);
        var unreadable = Assert.Single(contents.Unreadable);
        Assert.Equal(("volumes/a", volume.Id.Key, false), (unreadable.Path, unreadable.Key, unreadable.IsSnapshot));
        Assert.Equal(StorageError.AlreadyExists, (await Assert.ThrowsAsync<StorageException>(() => _scratch.CreateAsync("a"))).Error);
        await Pool.DeleteVolumeAsync(other);
        await _scratch.ReopenAsync();
        Assert.Single(_scratch.ListTrash());

        await _scratch.CloseAsync();
        await ZfsFileSystem.RunAsync("set", $"lamina:volume={before}", dataset);
        await _scratch.OpenAsync();
        Assert.Equal(what, await _scratch.ReadAsync(volume, "file"));
        await _scratch.TrashEmptiesAsync();
    }

    [Fact]
    public async Task Record_ThatADatasetHasFromOneAbove_IsNoRecord()
    {
        var volume = await _scratch.CreateAsync("a");
        await ZfsFileSystem.RunAsync("create", $"{_scratch.Dataset}/volumes/a/child");
        await ZfsFileSystem.RunAsync("snapshot", $"{_scratch.Dataset}/volumes/a@s");

        var contents = await _scratch.ReopenAsync();

        Assert.Equal(volume.Id, Assert.Single(contents.Volumes).Id);
        Assert.Empty(contents.Snapshots);
        Assert.Empty(contents.Unreadable);
    }

    [Fact]
    public async Task Record_OfManyLabels_IsSplitAndWhole()
    {
        var labels = Enumerable.Range(0, 40).ToDictionary(number => FormattableString.Invariant($"label-{number}"), _ => new string('x', 500));
        var volume = _scratch.NewVolume("a") with { Labels = System.Collections.Immutable.ImmutableSortedDictionary.ToImmutableSortedDictionary(labels) };
        await Pool.CreateVolumeAsync(volume, new VolumeContent.Empty());

        var loaded = Assert.Single((await _scratch.ReopenAsync()).Volumes);

        Assert.Equal(volume.Labels, loaded.Labels);
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private long UsedBy(string name) => ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", "used", name == "trash" ? $"{_scratch.Dataset}/trash" : $"{_scratch.Dataset}/volumes/{name}")
        .GetAwaiter().GetResult() is var text ? long.Parse(text, null) : 0;
}
