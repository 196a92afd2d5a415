using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Groups;

/// <summary>Groups that fail in the middle, and what crashes leave of them.</summary>
[Collection<GroupsCollection>]
public sealed class GroupFailureTests(Ext4FileSystem ext4, XfsFileSystem xfs, BtrfsFileSystem btrfs)
{
    private readonly GroupPools _pools = new(ext4, xfs, btrfs);

    [Theory]
    [InlineData("ext4", "btrfs", "snapshots")]
    [InlineData("btrfs", "ext4", "snapshots")]
    [InlineData("ext4", "btrfs", "incoming")]
    [InlineData("btrfs", "ext4", "incoming")]
    [InlineData("btrfs", "ext4", "layers")]
    public async Task Create_WhereTheSecondMemberFails_LeavesNone(string first, string second, string broken)
    {
        await using var storage = await _pools.StartAsync(first, second);
        var volumes = await TwoAsync(storage, first, second, attach: true);
        using (new Broken(storage, second, broken))
            await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes));

        Assert.Equal(0, storage.Catalog.SnapshotCount);
        Assert.Empty(storage.Catalog.IncompleteGroups());
        Assert.Equal(2, (await storage.GroupAsync("g", volumes)).Snapshots.Count);
        await storage.StartAgainAsync();
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Create_WhereTheFirstCannotBeTakenBack_IsNotSeenAndDiscardedLater()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var volumes = await TwoAsync(storage, "ext4", "btrfs");
        using (new Broken(storage, "btrfs", "snapshots"))
        using (new Broken(storage, "ext4", "trash"))
        {
            await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes));
            Assert.Single(SnapshotsIn(storage, "ext4"));
            AssertNothingSeen(storage);
            Assert.False(await storage.Groups.SettleIncompleteAsync(CancellationToken.None));
        }

        Assert.True(await storage.Groups.SettleIncompleteAsync(CancellationToken.None));
        Assert.Empty(SnapshotsIn(storage, "ext4"));
    }

    [Fact]
    public async Task Create_OfAGroupThatWasLeftIncomplete_MakesItAnew()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var volumes = await TwoAsync(storage, "ext4", "btrfs");
        await storage.GroupAsync("g", volumes);
        await CrashAsync(storage, () => MoveMemberToTrash(storage, "btrfs"));

        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes[0]));
        Assert.Equal(StorageError.AlreadyExists, refused.Error);
        Assert.Single(SnapshotsIn(storage, "ext4"));

        var again = await storage.GroupAsync("g", volumes);

        Assert.Equal(again.Snapshots.Select(member => member.Id).Order(), storage.Catalog.Snapshots().Select(member => member.Id).Order());
        Assert.Empty(storage.Catalog.IncompleteGroups());
        Assert.Single(SnapshotsIn(storage, "ext4"));
        Assert.Single(SnapshotsIn(storage, "btrfs"));
    }

    [Theory]
    [InlineData("ext4", "btrfs")]
    [InlineData("btrfs", "ext4")]
    public async Task Group_LeftIncomplete_IsInNoListOfSnapshotsAndKeptUntilItIsDeleted(string kept, string gone)
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var volumes = await TwoAsync(storage, "ext4", "btrfs");
        var group = await storage.GroupAsync("g", volumes);
        var single = await storage.SnapshotAsync("single", volumes[0]);
        await CrashAsync(storage, () => MoveMemberToTrash(storage, gone));

        Assert.Equal([single.Id], storage.Catalog.Snapshots().Select(snapshot => snapshot.Id));
        Assert.Null(storage.Groups.Find(group.Id));

        // A crash leaves this, but so does a pool that was brought back from a copy: what is left may be all that somebody has.
        Assert.True(await storage.Groups.SettleIncompleteAsync(CancellationToken.None));
        Assert.Contains(SnapshotsIn(storage, kept), name => name != "single");
        var left = Assert.Single(Assert.Single(storage.Groups.List()).Snapshots);
        Assert.Equal(left, Assert.Single(storage.Groups.GetByNameOrId("g").Snapshots));
        await storage.CreateAsync("rescued", VolumeSource.From(left.Id));

        await storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None);
        Assert.DoesNotContain(SnapshotsIn(storage, kept), name => name != "single");
        Assert.Equal(1, storage.Catalog.SnapshotCount);
        Assert.Empty(storage.Groups.List());
    }

    [Fact]
    public async Task Delete_OfAGroupThatIsHalfGone_EndsIt()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var group = await storage.GroupAsync("g", await TwoAsync(storage, "ext4", "btrfs"));
        await CrashAsync(storage, () => MoveMemberToTrash(storage, "ext4"));

        await storage.Groups.DeleteAsync(group.Id, [.. group.Snapshots.Select(member => member.Id)], CancellationToken.None);

        Assert.Empty(SnapshotsIn(storage, "btrfs"));
        Assert.Empty(storage.Catalog.IncompleteGroups());
    }

    [Fact]
    public async Task Delete_ThatFailsAtOnce_LeavesTheGroup()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var group = await storage.GroupAsync("g", await TwoAsync(storage, "ext4", "btrfs"));
        using (new Broken(storage, "ext4", "trash"))
            await Assert.ThrowsAsync<StorageException>(() => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));

        Assert.Equal(2, storage.Groups.Get(group.Id).Snapshots.Count);
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Delete_ThatFailsInTheMiddle_IsEndedLater()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var group = await storage.GroupAsync("g", await TwoAsync(storage, "ext4", "btrfs"));
        using (new Broken(storage, "btrfs", "trash"))
            await Assert.ThrowsAsync<StorageException>(() => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));

        AssertNothingSeen(storage);
        await storage.Groups.DeleteAsync(group.Id, [.. group.Snapshots.Select(member => member.Id)], CancellationToken.None);
        Assert.Empty(SnapshotsIn(storage, "btrfs"));
    }

    [Fact]
    public async Task IncompleteGroup_BesideARecordThatCannotBeRead_IsKeptAndNotSeen()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var volumes = await TwoAsync(storage, "ext4", "btrfs");
        var group = await storage.GroupAsync("g", volumes);
        await storage.SnapshotAsync("other", volumes[1]);
        await CrashAsync(storage, () =>
        {
            MoveMemberToTrash(storage, "btrfs");
            File.WriteAllText(Path.Combine(storage.PathOf(GroupPools.NameOf("btrfs")), "snapshots", "other", "record.json"), "{");
        });

        Assert.Null(storage.Groups.Find(group.Id));
        await storage.Groups.SettleIncompleteAsync(CancellationToken.None);
        Assert.Single(SnapshotsIn(storage, "ext4"));
        await Assert.ThrowsAsync<StorageException>(() => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));
    }

    [Fact]
    public async Task Group_WithAMemberThatCannotBeRead_IsDataLossAndKept()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var volumes = await TwoAsync(storage, "ext4", "btrfs");
        var group = await storage.GroupAsync("g", volumes);
        foreach (var kind in (string[])["btrfs", "ext4"])
        {
            await CrashAsync(storage, () => File.WriteAllText(Path.Combine(MemberIn(storage, kind), "record.json"), "{"));

            var refused = await Assert.ThrowsAsync<StorageException>(() => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));
            Assert.Equal(StorageError.DataLoss, refused.Error);
            Assert.Equal(StorageError.DataLoss, (await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes))).Error);
            await storage.Groups.SettleIncompleteAsync(CancellationToken.None);
        }
        Assert.Single(SnapshotsIn(storage, "ext4"));
        Assert.Single(SnapshotsIn(storage, "btrfs"));
    }

    [Fact]
    public async Task IncompleteGroup_WhosePoolComesLate_IsKeptUntilThen()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var group = await storage.GroupAsync("g", await TwoAsync(storage, "ext4", "btrfs"));
        MoveMemberToTrash(storage, "btrfs");
        storage.Missing.Add(GroupPools.NameOf("btrfs"));
        await storage.StartAgainAsync();

        await storage.Groups.SettleIncompleteAsync(CancellationToken.None);
        Assert.Single(SnapshotsIn(storage, "ext4"));

        await storage.LoadMissingAsync();
        Assert.Null(storage.Groups.Find(group.Id));
        Assert.Empty(storage.Catalog.Snapshots());
        await storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None);
        Assert.Empty(SnapshotsIn(storage, "ext4"));
    }

    [Fact]
    public async Task Groups_OfADaemonThatIsKilled_AreWholeOrNotSeen()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        await TwoAsync(storage, "ext4", "btrfs");
        var random = new Random(1);

        // Chance decides where it is hit: until it was hit twice between two members.
        for (int i = 0, incomplete = 0; incomplete < 2; i++)
        {
            Assert.True(i < 200, "no kill has left an incomplete group");
            await storage.Pools.DisposeAsync();
            using (var maker = await WorkloadProcess.StartAsync(["groups", TestScratch.NewDirectory("run"), .. storage.Arguments]))
            {
                // Whenever that is: it makes and deletes groups without a pause.
                await Task.Delay(random.Next(30));
                maker.Kill();
            }
            await storage.StartAgainAsync();

            incomplete += storage.Catalog.IncompleteGroups().Count;
            var seen = storage.Catalog.Snapshots().ToList();
            Assert.All(seen, snapshot => Assert.Equal(2, storage.Groups.Get(snapshot.Group!.Id).Snapshots.Count));
            foreach (var group in storage.Catalog.IncompleteGroups())
                await storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None);
            Assert.Equal(seen.Count, storage.Groups.List().Sum(group => group.Snapshots.Count));
            Assert.Equal(seen.Count, SnapshotsIn(storage, "ext4").Count + SnapshotsIn(storage, "btrfs").Count);
        }
    }

    private static async Task<List<Volume>> TwoAsync(ScratchStorage storage, string first, string second, bool attach = false)
    {
        List<Volume> volumes = [await storage.CreateAsync("a", pool: GroupPools.NameOf(first)), await storage.CreateAsync("b", pool: GroupPools.NameOf(second))];
        foreach (var volume in attach ? volumes : [])
            await storage.AttachAsync(volume);
        return volumes;
    }

    // What a crash has left between the renames of two members looks so whether they were coming or going.
    private static async Task CrashAsync(ScratchStorage storage, Action leave)
    {
        await storage.Pools.DisposeAsync();
        leave();
        await storage.StartAgainAsync();
    }

    private static void MoveMemberToTrash(ScratchStorage storage, string kind) =>
        Directory.Move(MemberIn(storage, kind), Path.Combine(storage.PathOf(GroupPools.NameOf(kind)), "trash", "member.abcdefghijklm"));

    private static string MemberIn(ScratchStorage storage, string kind) => Path.Combine(
        storage.PathOf(GroupPools.NameOf(kind)), "snapshots", SnapshotsIn(storage, kind).Single(name => name.StartsWith("g-", StringComparison.Ordinal)));

    private static List<string> SnapshotsIn(ScratchStorage storage, string kind) =>
        [.. Directory.EnumerateDirectories(Path.Combine(storage.PathOf(GroupPools.NameOf(kind)), "snapshots")).Select(path => Path.GetFileName(path))];

    private static void AssertNothingSeen(ScratchStorage storage)
    {
        Assert.Empty(storage.Catalog.Snapshots());
        Assert.Equal(0, storage.Catalog.SnapshotCount);
        Assert.Empty(storage.Groups.List());
        Assert.All(storage.Catalog.Volumes(), volume => Assert.Empty(storage.Catalog.SnapshotsOf(volume.Id)));
    }

    /// <summary>Makes that nothing can be made or renamed in a directory of a pool.</summary>
    private sealed class Broken : IDisposable
    {
        private readonly string _path;

        internal Broken(ScratchStorage storage, string kind, string directory)
        {
            _path = Path.Combine(storage.PathOf(GroupPools.NameOf(kind)), directory);
            Set(true);
        }

        public void Dispose() => Set(false);

        private void Set(bool isImmutable)
        {
            using var directory = Files.OpenDirectory(_path);
            Files.SetImmutable(directory, isImmutable);
        }
    }
}
