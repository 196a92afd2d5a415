using System.Collections.Immutable;
using System.Globalization;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>What a pool does where OpenZFS is, by recorded dialogues: what zfs-fuse can't.</summary>
public sealed class OpenZfsPoolTests : IAsyncDisposable
{
    private const string Root = ScriptedZfsPool.Root;
    private readonly ScriptedZfsPool _scripted = new(
        Lines(Root, ("used", "1000", "-"), ("available", "9000", "-"))
            + VolumeLines("a", 4096) + Lines($"{Root}/volumes/a", ("written", "100", "-"), ("logicalused", "900", "-")) + VolumeLines("b", 8192),
        "DEGRADED\t17\n",
        ZpoolHealthTests.Degraded);

    private ScriptedZfs Script => _scripted.Script;

    private IPool Pool => _scripted.Pool;

    public ValueTask DisposeAsync() => _scripted.DisposeAsync();

    [Fact]
    public async Task Load_OfDatasets_AnswersTheVolumesWithWhatZfsHoldsOfThem()
    {
        var contents = await Pool.LoadAsync(default);

        Assert.Empty(contents.Unreadable);
        Assert.Equal([("a", 4096L), ("b", 8192L)], contents.Volumes.Select(volume => (volume.Name, volume.Size!.Value.Bytes)).Order());
        Assert.Equal(new PoolCapacity(new ByteSize(10_000), new ByteSize(9_000)), Pool.GetCapacity());
        Assert.Contains(Pool.FindProblems(), problem => problem.Contains("DEGRADED", StringComparison.Ordinal));
        Assert.Equal(new PoolHealth(17, 12_347) { State = "DEGRADED" }, Pool.Health with { At = null });
        Assert.NotNull(Pool.Health.At);
        Assert.Contains("lz4", Pool.Description.Compressions);
    }

    [Fact]
    public async Task Usage_OfDatasets_IsReadByTheSameCommandForAll()
    {
        var volumes = (await Pool.LoadAsync(default)).Volumes.OrderBy(volume => volume.Name).ToList();

        var usage = Pool.GetUsage(volumes[0])!;

        Assert.Equal((300L, 200L, 100L, 900L), (usage.Used.Bytes, usage.Snapshots!.Value.Bytes, usage.Written!.Value.Bytes, usage.Uncompressed!.Value.Bytes));
        Assert.Equal((300L, null), (Pool.GetUsage(volumes[1])!.Used.Bytes, Pool.GetUsage(volumes[1])!.Written));
        Assert.Contains(Script.Asked, line => line.StartsWith($"zfs get -Hp -r -o name,property,value,source type,", StringComparison.Ordinal) && line.EndsWith($",written,logicalused {Root}", StringComparison.Ordinal));
        Assert.DoesNotContain(Script.Asked, line => line.StartsWith("zfs get", StringComparison.Ordinal) && line.EndsWith("/volumes/a", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Figures_OfThePoolAndItsVolumes_AreWhatZfsSaysOfThem()
    {
        await using var scripted = new ScriptedZfsPool(
            Lines(Root, ("used", "1000", "-"), ("available", "9000", "-"))
                + VolumeLines("a", 4096) + Lines($"{Root}/volumes/a", ("used", "550", "-"))
                + VolumeLines("reserved", 4096) + Lines($"{Root}/volumes/reserved", ("used", "4096", "-"), ("refreservation", "4096", "local"))
                // One that is deleted, one of its snapshots, and a snapshot of a volume that lives.
                + Lines($"{Root}/trash/b.x", ("used", "70", "-"), (ZfsRecords.Volume, "x", "local")) + Lines($"{Root}/trash/b.x@s", ("used", "5", "-"), (ZfsRecords.Snapshot, "x", "local"))
                + Lines($"{Root}/volumes/a@trash.y", ("used", "8", "-"), (ZfsRecords.Snapshot, "x", "local"), ("userrefs", "1", "-")),
            "ONLINE\t0\n",
            ZpoolHealthTests.Degraded);
        var volumes = (await scripted.Pool.LoadAsync(default)).Volumes.OrderBy(volume => volume.Name).ToList();

        var figures = scripted.Pool.GetFigures();

        Assert.Equal((2, 78L), (figures.TrashEntries, figures.TrashBytes!.Value.Bytes));
        Assert.NotNull(figures.AsOf);
        Assert.Equal((300L, 350L), (scripted.Pool.GetFigures(volumes[0]).Referenced!.Value.Bytes, scripted.Pool.GetFigures(volumes[0]).Exclusive!.Value.Bytes));
        Assert.Null(scripted.Pool.GetFigures(volumes[1]).Exclusive);
    }

    [Fact]
    public async Task Group_OfVolumesInUse_IsOneCommandAndStopsNobody()
    {
        var volumes = (await Pool.LoadAsync(default)).Volumes;
        var group = SnapshotGroupMembership.Of("both", volumes.Select(volume => volume.Id));

        var (moment, snapshots) = await CutAsync(volumes, group);

        Assert.Null(moment.Pause);
        var cut = Assert.Single(Script.Asked, line => line.StartsWith("zfs snapshot", StringComparison.Ordinal));
        Assert.EndsWith($" {Root}/volumes/a@{group.Members[0].Key} {Root}/volumes/b@{group.Members[1].Key}", cut, StringComparison.Ordinal);
        Assert.Equal(2, Script.Asked.Count(line => line.StartsWith("zfs set lamina:cut=", StringComparison.Ordinal)));

        // Each of them finds itself in what all of them have.
        var record = cut["zfs snapshot -o lamina:group=".Length..cut.IndexOf($" {Root}", StringComparison.Ordinal)];
        foreach (var snapshot in snapshots)
        {
            var (read, flaw) = ZfsRecords.ReadSnapshot(SnapshotOf(snapshot, record, moment), ScriptedZfsPool.Id);
            Assert.Null(flaw);
            Assert.Equal((snapshot.Id, snapshot.Size, snapshot.CreatedAt, snapshot.Group!.Id), (read!.Id, read.Size, read.CreatedAt, read.Group!.Id));
        }
    }

    [Fact]
    public async Task Group_GivenUp_IsThrownAwayWhole()
    {
        var volumes = (await Pool.LoadAsync(default)).Volumes;

        await CutAsync(volumes, SnapshotGroupMembership.Of("both", volumes.Select(volume => volume.Id)), publish: false);

        Assert.DoesNotContain(Script.Asked, line => line.StartsWith("zfs set lamina:cut=", StringComparison.Ordinal));
        Assert.Equal(2, Script.Asked.Count(line => line.StartsWith("zfs rename", StringComparison.Ordinal) && line.Contains("@trash.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Resize_OfAVolumeThatHasItsSizeSetAside_RaisesTheLimitFirst()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "a");

        await Pool.ResizeVolumeAsync(volume with { Size = new ByteSize(1 << 20), Parameters = VolumeParameters.None with { Reserve = true } });

        Assert.Equal([$"zfs set refquota=1048576 {Root}/volumes/a", $"zfs set refreservation=1048576 {Root}/volumes/a"], Sets());
    }

    // Several in one command are set as far as they can be: the volume would have a limit that it was not given.
    [Fact]
    public async Task Resize_ForWhichThereIsNotSoMuchToSetAside_LeavesTheLimitAsItWas()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "a");
        Script.On("zfs set refreservation=*", (255, "", $"cannot set property for '{Root}/volumes/a': size is greater than available space\n"));

        var refused = await Assert.ThrowsAsync<StorageException>(
            () => Pool.ResizeVolumeAsync(volume with { Size = new ByteSize(1 << 20), Parameters = VolumeParameters.None with { Reserve = true } }));

        Assert.Equal(StorageError.ResourceExhausted, refused.Error);
        Assert.Equal(["refquota=1048576", "refreservation=1048576", "refquota=4096"], Sets().Select(line => line.Split(' ')[2]));
    }

    [Fact]
    public async Task Modify_ToWhatZfsRefuses_DoesNotSayThatItWasAskedFor()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "a");
        var modified = volume with { Attributes = VolumeAttributes.None with { Compression = "zstd" } };
        Script.On("zfs set compression=*", (255, "", $"cannot set property for '{Root}/volumes/a': pool and or dataset must be upgraded to set this property or value\n"));

        await Assert.ThrowsAsync<StorageException>(() => Pool.ModifyVolumeAsync(modified));
        Assert.DoesNotContain(Script.Asked, line => line.Contains("lamina:attributes=", StringComparison.Ordinal));

        Script.On("zfs set compression=*");
        await Pool.ModifyVolumeAsync(modified);
        Assert.Equal($"zfs set lamina:attributes=compression {Root}/volumes/a", Sets()[^1]);
    }

    [Theory]
    [InlineData("hidden", "disabled")]
    [InlineData("visible", "disabled")]
    [InlineData("disabled", null)]
    public async Task Load_OfAPoolWhoseVolumesShowTheirSnapshots_HidesThem(string before, string? set)
    {
        Script.On($"zfs get -Hp -o name,property,value,source snapdir {Root}/volumes", $"{Root}/volumes\tsnapdir\t{before}\tdefault\n");

        await Pool.LoadAsync(default);

        Assert.Equal(set is null ? [] : [$"zfs set snapdir={set} {Root}/volumes"], Sets());
    }

    // Where the look at everything that follows fails, too.
    [Fact]
    public async Task Promotion_BeforeAFailure_IsKnownToWhoeverAsksForTheSnapshotsNext()
    {
        var discarded = $"{Root}/trash/a.abcdefghijklm";
        Script
            .On("zfs promote *")
            .On($"zfs get -Hp -o name,property,value,source encryptionroot,keystatus *", $"{Root}/volumes/b\tencryptionroot\t-\t-\n{Root}/volumes/b\tkeystatus\t-\t-\n")
            .On($"zfs get -Hp -o name,property,value,source origin {Root}/volumes/b", $"{Root}/volumes/b\torigin\t{discarded}@s\t-\n")
            .On("zfs get -Hp -r *", (0, Inventory(), ""), (0, Inventory(), ""), (0, Inventory(), ""), (0, Inventory(), ""), (1, "", "cannot open: I/O error\n"));
        var snapshot = Assert.Single((await Pool.LoadAsync(default)).Snapshots);
        await Eventually.TrueAsync(() => Script.Asked.Contains($"zfs promote {Root}/volumes/b"), "the clone is promoted");

        await Eventually.TrueAsync(() => Pool.FindProblems().Any(problem => problem.Contains("I/O error", StringComparison.Ordinal)), "the next look fails, and the doctor is told");
        await Pool.CreateVolumeAsync(NewVolume("c"), new VolumeContent.OfSnapshot(snapshot));

        Assert.Contains($" {Root}/volumes/b@s {Root}/incoming/", Assert.Single(Script.Asked, line => line.StartsWith("zfs clone", StringComparison.Ordinal)), StringComparison.Ordinal);

        string Inventory()
        {
            var of = new Snapshot { Id = new SnapshotId(ScriptedZfsPool.Id, ObjectKey.FromName("s")), Name = "s", SourceVolume = NewVolume("a").Id, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch };
            return Lines(Root, ("used", "1000", "-"), ("available", "9000", "-")) + Lines(discarded, RecordOf("a"))
                + Lines($"{discarded}@s", [.. ZfsRecords.Of(of).Append(ZfsRecords.Of(new CutMoment(DateTimeOffset.UnixEpoch, null))).Select(property => (property.Name, property.Value, "local"))])
                + Lines($"{Root}/volumes/b", [.. RecordOf("b"), ("origin", $"{discarded}@s", "-")]);
        }
    }

    private List<string> Sets() => [.. Script.Asked.Where(line => line.StartsWith("zfs set ", StringComparison.Ordinal))];

    private async Task<(CutMoment Moment, List<Snapshot> Snapshots)> CutAsync(IEnumerable<Volume> volumes, SnapshotGroupMembership group, bool publish = true)
    {
        var cuts = new List<ISnapshotCut>();
        foreach (var (volume, member) in volumes.OrderBy(volume => volume.Id).Zip(group.Members))
        {
            var snapshot = new Snapshot { Id = member, Name = $"both/{volume.Name}", SourceVolume = volume.Id, Size = volume.Size, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch, Group = group };
            cuts.Add(await Pool.BeginSnapshotAsync(snapshot, new VolumeInUse(volume, TestScratch.NewDirectory("mount"))));
        }
        var moment = await _scripted.Cuts.RunAsync(cuts);
        var snapshots = new List<Snapshot>();
        foreach (var cut in publish ? cuts : [])
            snapshots.Add(await cut.PublishAsync(moment));
        foreach (var cut in cuts)
            await cut.DisposeAsync();
        return (moment, snapshots);
    }

    private static ZfsObject SnapshotOf(Snapshot snapshot, string record, CutMoment moment)
    {
        var name = $"{Root}/volumes/{snapshot.SourceVolume.Key}@{snapshot.Id.Key}";
        return new ZfsObject(name, [new ZfsProperty(name, ZfsRecords.Group, record, "local"), new ZfsProperty(name, ZfsRecords.Cut, ZfsRecords.Of(moment).Value, "local")]);
    }

    private static string VolumeLines(string name, long size)
    {
        return Lines($"{Root}/volumes/{name}", [("referenced", "300", "-"), ("usedbysnapshots", "200", "-"), ("refquota", size.ToString(CultureInfo.InvariantCulture), "local"), .. RecordOf(name)]);
    }

    private static Volume NewVolume(string name) =>
        new() { Id = new VolumeId(ScriptedZfsPool.Id, ObjectKey.FromName(name)), Name = name, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch, Labels = ImmutableSortedDictionary<string, string>.Empty };

    private static (string Property, string Value, string Source)[] RecordOf(string name) => [.. ZfsRecords.Of(NewVolume(name)).Select(property => (property.Name, property.Value, "local"))];

    private static string Lines(string name, params (string Property, string Value, string Source)[] properties) =>
        string.Concat(properties.Select(property => $"{name}\t{property.Property}\t{property.Value}\t{property.Source}\n"));
}
