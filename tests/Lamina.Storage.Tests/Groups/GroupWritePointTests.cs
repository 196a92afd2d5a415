using System.Buffers.Binary;
using System.Globalization;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Groups;

/// <summary>What a group has of volumes that are written to one after another.</summary>
[Collection<GroupsCollection>]
public sealed class GroupWritePointTests(Ext4FileSystem ext4, XfsFileSystem xfs, BtrfsFileSystem btrfs)
{
    private const int Cuts = 6;
    private readonly GroupPools _pools = new(ext4, xfs, btrfs);

    [Theory]
    [InlineData("ext4", "ext4")]
    [InlineData("xfs", "xfs")]
    [InlineData("btrfs", "btrfs")]
    [InlineData("ext4", "btrfs")]
    [InlineData("btrfs", "xfs")]
    [InlineData("ext4", "btrfs", "xfs")]
    [InlineData("xfs:ext4", "xfs:xfs")]
    [InlineData("xfs:btrfs", "xfs")]
    [InlineData("btrfs", "btrfs:ext4", "ext4")]
    public async Task Group_OfNumberedWritesAcrossVolumes_NeverHasALaterNumberWithoutTheEarlier(params string[] kinds)
    {
        await using var storage = await _pools.StartAsync(PoolsOf(kinds));
        var (volumes, paths) = await AttachAsync(storage, kinds);
        using var writer = await WorkloadProcess.StartAsync(["numbers-across", .. paths]);
        var before = 0L;
        for (var i = 0; i < Cuts; i++)
        {
            var group = await storage.GroupAsync($"g{i}", volumes);
            Assert.NotNull(group.Pause);
            // Where nobody is stopped but each filesystem is frozen, each has a pause of its own.
            Assert.Single(group.Snapshots.Select(snapshot => (snapshot.CreatedAt, kinds.All(HasFileSystem) ? null : snapshot.Pause)).Distinct());
            Assert.All(group.Snapshots, snapshot => Assert.NotNull(snapshot.Pause));

            var numbers = await ReadAsync(storage, group, ReadNumbers);
            Assert.True(IsOneMoment(numbers), $"cut {i}: {string.Join(", ", numbers)}");
            Assert.True(numbers[0] > before, "the writer has gone on between the cuts");
            before = numbers[0];
        }
        await writer.EndAsync();
    }

    [Fact]
    public async Task Snapshots_OneAfterAnother_AreOutOfOrder()
    {
        // What the test above would find if nobody were stopped: it does bite.
        await using var storage = await _pools.StartAsync("btrfs");
        var (volumes, paths) = await AttachAsync(storage, ["btrfs", "btrfs"]);
        using var writer = await WorkloadProcess.StartAsync(["numbers-across", .. paths]);
        var violations = 0;
        for (var i = 0; i < 100 * Cuts && violations == 0; i++)
        {
            List<long> numbers = [];
            foreach (var volume in volumes)
            {
                var restored = await storage.CreateAsync($"look-{i}-{volume.Name}", VolumeSource.From((await storage.SnapshotAsync($"s{i}-{volume.Name}", volume)).Id));
                await storage.UseAsync(restored, path => numbers.AddRange(ReadNumbers(path)));
            }
            violations += IsOneMoment(numbers) ? 0 : 1;
        }
        Assert.True(violations > 0, "no pair of snapshots was out of order");
        await writer.EndAsync();
    }

    [Theory]
    [InlineData("ext4", "btrfs")]
    [InlineData("btrfs", "btrfs")]
    [InlineData("xfs", "xfs")]
    [InlineData("xfs:ext4", "xfs:ext4")]
    public async Task Group_WithAWriterThatCannotBeFound_IsOneMomentOrRefused(params string[] kinds)
    {
        await using var storage = await _pools.StartAsync(PoolsOf(kinds));
        var (volumes, paths) = await AttachAsync(storage, kinds);
        using var writer = await WorkloadProcess.StartAsync(["glimpse-across", .. paths]);
        for (var i = 0; i < 2 * Cuts; i++)
        {
            try
            {
                // It may be caught with a file open, or write nothing during the stop: then the cut is good.
                var group = await storage.GroupAsync($"g{i}", volumes);
                var numbers = await ReadAsync(storage, group, ReadText);
                Assert.True(IsOneMoment(numbers), $"cut {i}: {string.Join(", ", numbers)}");
            }
            catch (StorageException e)
            {
                // A frozen filesystem keeps everybody from writing, found or not.
                Assert.DoesNotContain(kinds, _ => kinds.All(HasFileSystem));
                Assert.Equal(StorageError.FailedPrecondition, e.Error);
                Assert.Contains("was not found", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.All(storage.Catalog.Snapshots(), snapshot => Assert.NotNull(storage.Groups.Find(snapshot.Group!.Id)));
        await writer.EndAsync();
    }

    [Fact]
    public async Task Group_OfDetachedVolumes_StopsNobody()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (first, second, used) = (await NewAsync(storage, "a", "ext4"), await NewAsync(storage, "b", "btrfs"), await NewAsync(storage, "c", "btrfs"));

        // One alone that is in use changes nothing that the others could be out of order with, and its backend cuts by itself.
        var path = await storage.AttachAsync(used);
        using var holder = await WorkloadProcess.StartAsync("hold", Path.Combine(path, "file"));

        var group = await storage.GroupAsync("g", first, second, used);

        Assert.Null(group.Pause);
        Assert.Equal(3, group.Snapshots.Count);
        await holder.EndAsync();
    }

    [Fact]
    public async Task Group_WhereOnePoolStopsNobody_IsRefusedWithTheWriter()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (volumes, paths) = await AttachAsync(storage, ["ext4", "btrfs"]);
        using var writer = await WorkloadProcess.StartAsync(["numbers-across", .. paths]);
        await storage.StartAgainAsync(pool => pool.Name == GroupPools.NameOf("btrfs") ? pool with { PauseWriters = false } : pool);

        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("liveSnapshot", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"process {writer.Pid}", refused.Message, StringComparison.Ordinal);
        Assert.Empty(storage.Catalog.Snapshots());
        await writer.EndAsync();
        await storage.GroupAsync("g", volumes);
    }

    [Fact]
    public async Task Group_LastsLongerThanTheShortestMaxPause_IsGivenUpWhole()
    {
        await using var storage = await _pools.StartAsync("ext4", "btrfs");
        var (volumes, paths) = await AttachAsync(storage, ["ext4", "btrfs"]);
        using var writer = await WorkloadProcess.StartAsync(["numbers-across", .. paths]);
        await storage.StartAgainAsync(pool => pool.Name == GroupPools.NameOf("btrfs") ? pool with { MaxPause = TimeSpan.FromMilliseconds(1) } : pool);

        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.GroupAsync("g", volumes));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.True(refused.Message.Contains("maxPause", StringComparison.Ordinal), refused.Message);
        Assert.Empty(storage.Catalog.Snapshots());
        await storage.StartAgainAsync(pool => pool with { MaxPause = TimeSpan.FromMinutes(1) });
        Assert.Empty(storage.Catalog.Snapshots());
        await storage.GroupAsync("g", volumes);
        await writer.EndAsync();
    }

    // The kind of a pool, and behind a colon the filesystem that the volume has for itself.
    private static Task<Volume> NewAsync(ScratchStorage storage, string name, string kind) => storage.Volumes.CreateAsync(
        new VolumeRequest { Name = name, Door = Door.Cli, Pool = GroupPools.NameOf(kind.Split(':')[0]), FileSystem = HasFileSystem(kind) ? kind.Split(':')[1] : null },
        CancellationToken.None);

    private static bool HasFileSystem(string kind) => kind.Contains(':', StringComparison.Ordinal);

    private static string[] PoolsOf(string[] kinds) => [.. kinds.Select(kind => kind.Split(':')[0]).Distinct()];

    // The names, and so the order within the group, are the other way round than the writes.
    private static async Task<(List<Volume> Volumes, List<string> Paths)> AttachAsync(ScratchStorage storage, string[] kinds)
    {
        var (volumes, paths) = (new List<Volume>(), new List<string>());
        foreach (var (number, kind) in kinds.Index())
        {
            volumes.Add(await NewAsync(storage, FormattableString.Invariant($"v{9 - number}"), kind));
            paths.Add(await storage.AttachAsync(volumes[^1]));
        }
        return (volumes, paths);
    }

    private static async Task<List<long>> ReadAsync(ScratchStorage storage, SnapshotGroup group, Func<string, IEnumerable<long>> read)
    {
        List<long> numbers = [];
        foreach (var snapshot in group.Snapshots.OrderByDescending(snapshot => snapshot.SourceVolume))
        {
            var restored = await storage.CreateAsync($"look-{snapshot.Id.Key}", VolumeSource.From(snapshot.Id));
            await storage.UseAsync(restored, path => numbers.AddRange(read(path)));
            await storage.Volumes.DeleteAsync(restored.Id, CancellationToken.None);
        }
        return numbers;
    }

    private static bool IsOneMoment(List<long> numbers) =>
        numbers.Zip(numbers.Skip(1)).All(pair => pair.First >= pair.Second) && numbers[0] - numbers[^1] <= 1;

    private static IEnumerable<long> ReadText(string directory) =>
        [long.Parse(File.ReadAllText(Path.Combine(directory, "n")), NumberStyles.None, CultureInfo.InvariantCulture)];

    private static IEnumerable<long> ReadNumbers(string directory) => [ReadNumber(Path.Combine(directory, "n")), ReadNumber(Path.Combine(directory, "m"))];

    private static long ReadNumber(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly);
        Span<byte> bytes = stackalloc byte[8];
        return Files.Read(file, 0, bytes) == 8 ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;
    }
}
