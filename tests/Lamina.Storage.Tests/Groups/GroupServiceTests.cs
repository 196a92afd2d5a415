using System.Text.Json;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Groups;

/// <summary>Groups through the service: made, found, repeated, deleted.</summary>
[Collection<GroupsCollection>]
public sealed class GroupServiceTests(Ext4FileSystem ext4, XfsFileSystem xfs, BtrfsFileSystem btrfs)
{
    private readonly GroupPools _pools = new(ext4, xfs, btrfs);

    [Fact]
    public async Task Create_OfVolumesInTwoPools_HasASnapshotOfEach()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        await storage.UseAsync(a, path => File.WriteAllText(Path.Combine(path, "f"), "a"));
        await storage.UseAsync(b, path => File.WriteAllText(Path.Combine(path, "f"), "b"));

        var group = await storage.GroupAsync("nightly", b, a);

        Assert.Equal([a.Id, b.Id], group.Snapshots.Select(snapshot => snapshot.SourceVolume));
        Assert.Equal(["nightly/a", "nightly/b"], group.Snapshots.Select(snapshot => snapshot.Name));
        Assert.Equal($"{a.Id.Pool}.nightly", group.Id.ToString());
        Assert.Equal(group.Snapshots, storage.Catalog.Snapshots());
        foreach (var snapshot in group.Snapshots)
        {
            var restored = await storage.CreateAsync($"of-{snapshot.SourceVolume.Key}", VolumeSource.From(storage.Snapshots.GetByNameOrId(snapshot.Name).Id));
            Assert.Equal(snapshot.SourceVolume.Key.ToString(), await storage.ReadAsync(restored, "f"));
        }
    }

    [Fact]
    public async Task Group_AfterARestart_IsTheSame()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("with / and ..", a, b);
        await storage.Volumes.DeleteAsync(b.Id, CancellationToken.None);

        await storage.StartAgainAsync();

        Assert.Equal(JsonSerializer.Serialize(group), JsonSerializer.Serialize(storage.Groups.Get(group.Id)));
        Assert.Equal(group.Id, Assert.Single(storage.Groups.List()).Id);
        Assert.Equal(group.Id, storage.Groups.GetByNameOrId("with / and ..").Id);
        Assert.True(await storage.Groups.SettleIncompleteAsync(CancellationToken.None));
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Create_Again_AnswersTheSameWhateverTheOrder()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);

        var (first, second) = (await storage.GroupAsync("g", a, b), await storage.GroupAsync("g", b, a));

        Assert.Equal(first.Snapshots, second.Snapshots);
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Create_EightAtOnce_MakesOne()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);

        var groups = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => storage.GroupAsync("g", i % 2 == 0 ? [a, b] : [b, a])));

        Assert.Single(groups.Select(group => string.Join(' ', group.Snapshots.Select(snapshot => (snapshot.Id, snapshot.CreatedAt)))).Distinct());
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Create_GroupsThatShareVolumesAtOnce_MakesAll()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        await storage.AttachAsync(a);

        var groups = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => storage.GroupAsync($"g{i}", i % 2 == 0 ? [a, b] : [b])));

        Assert.Equal(12, storage.Catalog.SnapshotCount);
        await Task.WhenAll(groups.Select(group => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None)));
        Assert.Equal(0, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Create_WithTheNameOfAGroupOfOthers_AlreadyExists()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        await storage.GroupAsync("g", a, b);

        var refused = await RefusedAsync(StorageError.AlreadyExists, () => storage.GroupAsync("g", a));

        Assert.Contains(b.Id.ToString(), refused.Message, StringComparison.Ordinal);
        await RefusedAsync(StorageError.AlreadyExists, () => storage.Groups.CreateAsync(
            new SnapshotGroupRequest { Name = "g", Volumes = [a.Id, b.Id], Door = Door.Csi }, CancellationToken.None));
    }

    [Fact]
    public async Task Create_Otherwise_SaysWhatIsWrong()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        await RefusedAsync(StorageError.InvalidArgument, () => storage.GroupAsync("g"));
        await RefusedAsync(StorageError.InvalidArgument, () => storage.GroupAsync("g", a, a));
        await RefusedAsync(StorageError.InvalidArgument, () => storage.GroupAsync("", a, b));
        await RefusedAsync(StorageError.NotFound, () => storage.GroupAsync("g", a, b with { Id = b.Id with { Key = ObjectKey.FromName("nowhere") } }));
        await RefusedAsync(StorageError.Unavailable, () => storage.GroupAsync("g", a, b with { Id = b.Id with { Pool = PoolId.NewRandom() } }));
        Assert.Equal(0, storage.Catalog.SnapshotCount);
        Assert.Empty(storage.Catalog.Groups());
    }

    [Fact]
    public async Task Names_OfGroupsAndSnapshots_DoNotMeet()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("same", a, b);

        await storage.SnapshotAsync("same", a);
        foreach (var member in group.Snapshots)
        {
            // Even a name that looks like a member's key, or is its name, is another snapshot.
            await storage.SnapshotAsync(member.Id.Key.ToString(), a);
            await storage.SnapshotAsync(member.Name, a);
        }

        Assert.Equal(2 + 1 + 4, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Delete_OfAGroup_TakesAllAndMayBeRepeated()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);
        var restored = await storage.CreateAsync("restored", VolumeSource.From(group.Snapshots[0].Id));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None)));
        await storage.Groups.DeleteAsync(group.Id, [], CancellationToken.None);

        Assert.Null(storage.Groups.Find(group.Id));
        Assert.Equal(0, storage.Catalog.SnapshotCount);
        await storage.StartAgainAsync();
        Assert.Equal(0, storage.Catalog.SnapshotCount);
        await storage.UseAsync(storage.Volumes.Get(restored.Id), path => Assert.Empty(Directory.EnumerateFiles(path)));
        await storage.GroupAsync("g", b);
    }

    [Fact]
    public async Task Delete_WithOtherMembers_IsRefused()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);
        var other = await storage.SnapshotAsync("s", a);

        foreach (SnapshotId[] members in (SnapshotId[][])[[], [group.Snapshots[0].Id], [group.Snapshots[0].Id, other.Id], [.. group.Snapshots.Select(member => member.Id), other.Id]])
            await RefusedAsync(StorageError.InvalidArgument, () => storage.Groups.DeleteAsync(group.Id, members, CancellationToken.None));

        Assert.Equal(3, storage.Catalog.SnapshotCount);
        await storage.Groups.DeleteAsync(group.Id, [.. group.Snapshots.Select(member => member.Id).Reverse()], CancellationToken.None);
        Assert.Equal(1, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task DeleteSnapshot_OfAMember_IsRefusedNamingTheGroup()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);

        var refused = await RefusedAsync(StorageError.InvalidArgument, () => storage.Snapshots.DeleteAsync(group.Snapshots[1].Id, CancellationToken.None));

        Assert.Contains(group.Id.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, storage.Catalog.SnapshotCount);
    }

    [Fact]
    public async Task Group_WithAPoolThatIsMissing_IsUnavailableAndItsOtherSnapshotsRestore()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);
        storage.Missing.Add(GroupPools.NameOf("btrfs"));
        await storage.StartAgainAsync();

        await RefusedAsync(StorageError.Unavailable, () => Task.FromResult(storage.Groups.Get(group.Id)));
        await RefusedAsync(StorageError.Unavailable, () => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));
        await RefusedAsync(StorageError.Unavailable, () => storage.GroupAsync("g", a, b));
        await storage.Groups.SettleIncompleteAsync(CancellationToken.None);
        await storage.CreateAsync("restored", VolumeSource.From(group.Snapshots[0].Id));
        Assert.Single(Assert.Single(storage.Groups.List()).Snapshots);

        storage.Missing.Clear();
        await storage.StartAgainAsync();
        Assert.Equal(2, storage.Groups.Get(group.Id).Snapshots.Count);
    }

    [Fact]
    public async Task Group_WithThePoolOfItsIdMissing_IsUnavailable()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);
        storage.Missing.Add(GroupPools.NameOf("ext4"));
        await storage.StartAgainAsync();

        await RefusedAsync(StorageError.Unavailable, () => Task.FromResult(storage.Groups.Find(group.Id)));
        await RefusedAsync(StorageError.Unavailable, () => storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None));
    }

    [Fact]
    public async Task Group_WithAPoolThatWasForgotten_IsItsOtherMembers()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (a, b) = await TwoAsync(storage);
        var group = await storage.GroupAsync("g", a, b);
        storage.Missing.Add(GroupPools.NameOf("btrfs"));
        await storage.StartAgainAsync();

        storage.Pools.Forget(b.Id.Pool);

        Assert.Equal(group.Snapshots[0], Assert.Single(storage.Groups.Get(group.Id).Snapshots) with { Group = group.Membership });
        await storage.Groups.DeleteAsync(group.Id, [.. group.Snapshots.Select(member => member.Id)], CancellationToken.None);
        Assert.Equal(0, storage.Catalog.SnapshotCount);
    }

    private static async Task<(Volume A, Volume B)> TwoAsync(ScratchStorage storage) =>
        (await storage.CreateAsync("a", pool: GroupPools.NameOf("ext4")), await storage.CreateAsync("b", pool: GroupPools.NameOf("btrfs")));

    private static async Task<StorageException> RefusedAsync(StorageError error, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<StorageException>(call);
        Assert.True(error == refused.Error, $"{error} was expected, but: {refused.Error}, {refused.Message}");
        return refused;
    }
}
