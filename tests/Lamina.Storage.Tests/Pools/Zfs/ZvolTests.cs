using System.Globalization;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>What ZFS is asked for volumes that are block devices, and what it never is: what can be seen without a kernel that has them.</summary>
public sealed class ZvolTests : IAsyncDisposable
{
    private const string Root = ScriptedZfsPool.Root;
    private const long Size = 160 << 20;
    private readonly ScriptedZfsPool _scripted = new(
        Inventory(), "ONLINE\t3\n", "", script => script.On($"zfs get -Hp -o name,property,value,source encryptionroot,keystatus {Root}/volumes/raw", Line($"{Root}/volumes/raw", "encryptionroot", "-")));

    private ScriptedZfs Script => _scripted.Script;

    private IPool Pool => _scripted.Pool;

    public ValueTask DisposeAsync() => _scripted.DisposeAsync();

    [Fact]
    public async Task Load_OfAZvol_AnswersADeviceOfTheSizeThatZfsHolds()
    {
        var contents = await Pool.LoadAsync(default);

        var volume = Assert.Single(contents.Volumes, one => one.Kind == VolumeKind.Block);
        Assert.Equal(("raw", Size), (volume.Name, volume.Size!.Value.Bytes));
        Assert.Equal(new VolumeAttributes { Compression = "zstd" }, volume.Attributes);
        Assert.True(Pool.Description.Features.HasFlag(PoolFeatures.BlockVolumes));
        var unreadable = Assert.Single(contents.Unreadable);
        Assert.Equal(("volumes/liar", ObjectKey.FromName("liar")), (unreadable.Path, unreadable.Key));
        Assert.Contains("block device", unreadable.Reason, StringComparison.Ordinal);
    }

    // Said with the command that makes one, it comes after the device, which would go and come again some time later, by a name that is no more.
    [Fact]
    public async Task Load_SaysOnceAboveAllVolumesHowDevicesAreShown()
    {
        Script.On($"zfs get -Hp -o name,property,value,source volmode {Root}", Line(Root, "volmode", "default"));
        await Pool.LoadAsync(default);

        await Pool.CreateVolumeAsync(NewVolume("new", VolumeParameters.None), new VolumeContent.Empty());

        Assert.Equal([$"zfs set volmode=dev {Root}"], Script.Asked.Where(line => !line.StartsWith("zfs get", StringComparison.Ordinal) && line.Contains("volmode", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Create_OfARawDevice_SetsNothingAside()
    {
        await Pool.LoadAsync(default);

        await Pool.CreateVolumeAsync(NewVolume("new", VolumeParameters.None with { Compression = "lz4" }), new VolumeContent.Empty());

        var command = Assert.Single(Script.Asked, line => line.StartsWith("zfs create", StringComparison.Ordinal));
        Assert.StartsWith($"zfs create -s -V {Size} -o volblocksize=16384 -o snapdev=hidden -o compression=lz4 -o lamina:volume={{", command, StringComparison.Ordinal);
        AssertMadeAside(command, "new");
    }

    [Fact]
    public async Task Create_WithItsSizeSetAside_IsNotSparse()
    {
        await Pool.LoadAsync(default);

        await Pool.CreateVolumeAsync(
            NewVolume("new", VolumeParameters.Parse([new("reserve", "true"), new("volblocksize", "8K")])), new VolumeContent.Empty());

        Assert.Contains(Script.Asked, line => line.StartsWith($"zfs create -V {Size} -o volblocksize=8192", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_OfASizeThatZfsWouldRound_IsRefusedBeforeItIsAsked()
    {
        await Pool.LoadAsync(default);

        var refused = await Assert.ThrowsAsync<StorageException>(
            () => Pool.CreateVolumeAsync(NewVolume("new", VolumeParameters.None) with { Size = new ByteSize(Size + 4096) }, new VolumeContent.Empty()));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.DoesNotContain(Script.Asked, line => line.StartsWith("zfs create", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Copy_OfARawDevice_IsMadeAsLargeAsIsAsked()
    {
        var snapshot = Assert.Single((await Pool.LoadAsync(default)).Snapshots);

        await Pool.CreateVolumeAsync(
            NewVolume("copy", VolumeParameters.None with { Reserve = true }) with { Size = new ByteSize(2 * Size) }, new VolumeContent.OfSnapshot(snapshot));

        var command = Assert.Single(Script.Asked, line => line.StartsWith("zfs clone", StringComparison.Ordinal));
        Assert.StartsWith($"zfs clone -o volsize={2 * Size} -o refreservation=auto -o snapdev=hidden -o lamina:volume={{", command, StringComparison.Ordinal);
        Assert.Contains($" {Root}/volumes/raw@then {Root}/incoming/", command, StringComparison.Ordinal);
        AssertMadeAside(command, "copy");
    }

    // ZFS makes it and gives it its record in two steps; the rename is the one that shows it.
    private void AssertMadeAside(string command, string name)
    {
        var staged = command[(command.LastIndexOf(' ') + 1)..];
        Assert.StartsWith($"{Root}/incoming/", staged, StringComparison.Ordinal);
        Assert.Contains($"zfs rename {staged} {Root}/volumes/{name}", Script.Asked);
    }

    [Theory]
    [InlineData("16Ki", true)]
    [InlineData("8Ki", false)]
    public async Task Copy_WithBlocksOfAnotherSizeThanItsSource_IsRefused(string asked, bool isPossible)
    {
        Script.On($"zfs get -Hp -o name,property,value,source volblocksize {Root}/volumes/raw", $"{Root}/volumes/raw\tvolblocksize\t16384\tdefault\n");
        var snapshot = Assert.Single((await Pool.LoadAsync(default)).Snapshots);
        var copy = NewVolume("copy", VolumeParameters.Parse([new("volblocksize", asked)]));

        var refused = await Record.ExceptionAsync(() => Pool.CreateVolumeAsync(copy, new VolumeContent.OfSnapshot(snapshot)));

        Assert.Equal(isPossible, refused is null);
        Assert.Equal(isPossible, Script.Asked.Any(line => line.StartsWith("zfs clone", StringComparison.Ordinal)));
        if (!isPossible)
            Assert.Equal(StorageError.InvalidArgument, Assert.IsType<StorageException>(refused).Error);
    }

    [Fact]
    public async Task Resize_OfAVolumeThatHasItsSizeSetAside_IsOneCommand()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "raw");

        await Pool.ResizeVolumeAsync(volume with { Size = new ByteSize(2 * Size), Parameters = VolumeParameters.None with { Reserve = true } });

        Assert.Contains($"zfs set volsize={2 * Size} refreservation=auto {Root}/volumes/raw", Script.Asked);
    }

    [Fact]
    public async Task Modify_OfADevice_SetsWhatADeviceHas()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "raw");

        await Pool.ModifyVolumeAsync(volume with { Attributes = new VolumeAttributes { Compression = "lz4", LogBias = "throughput" } });

        Assert.Contains($"zfs set compression=lz4 logbias=throughput {Root}/volumes/raw", Script.Asked);
        Assert.Contains($"zfs set lamina:attributes=compression logbias {Root}/volumes/raw", Script.Asked);
    }

    [Fact]
    public async Task Delete_OfADevice_IsARename()
    {
        var volume = (await Pool.LoadAsync(default)).Volumes.First(volume => volume.Name == "raw");

        await Pool.DeleteVolumeAsync(volume);

        Assert.Contains(Script.Asked, line => line.StartsWith($"zfs rename {Root}/volumes/raw {Root}/trash/raw.", StringComparison.Ordinal));
    }

    // zfs-fuse ends when it is asked for a zvol, and everything that is mounted with it.
    [Fact]
    public async Task Device_OnZfsFuse_IsRefusedWithoutAskingIt()
    {
        await using var fuse = new ScriptedZfsPool(
            Line(Root, "used", "1000") + Line(Root, "available", "9000"), "ONLINE\t3\n", "",
            script => script.On("zfs version", (2, "", "unrecognized command 'version'\n")).On("zpool list -H -o health tank", "ONLINE\n").On("zpool status tank"));
        await fuse.Pool.LoadAsync(default);

        foreach (var fileSystem in (VolumeFileSystem?[])[null, VolumeFileSystem.Ext4])
        {
            var refused = await Assert.ThrowsAsync<StorageException>(() => fuse.Pool.CreateVolumeAsync(NewVolume("new", VolumeParameters.None) with
            {
                Kind = fileSystem is null ? VolumeKind.Block : VolumeKind.Filesystem,
                FileSystem = fileSystem,
            }, new VolumeContent.Empty()));
            Assert.Equal(StorageError.Unsupported, refused.Error);
            Assert.Contains("zfs-fuse has none", refused.Message, StringComparison.Ordinal);
        }

        Assert.False(fuse.Pool.Description.Features.HasFlag(PoolFeatures.BlockVolumes));
        Assert.Contains("on OpenZFS has", fuse.Pool.Description.ObstacleTo("xfs"), StringComparison.Ordinal);
        Assert.DoesNotContain(fuse.Script.Asked, line => line.Contains("-V", StringComparison.Ordinal) || line.Contains("volsize", StringComparison.Ordinal));
        Assert.DoesNotContain(fuse.Script.Asked, line => line.StartsWith("zfs create", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("2Ki")]
    [InlineData("256K")]
    [InlineData("12Ki")]
    [InlineData("x")]
    public void Parameter_OfBlocksThatCantBe_IsRefused(string value)
    {
        var refused = Assert.Throws<StorageException>(() => VolumeParameters.Parse([new("volblocksize", value)]));

        Assert.Contains("from 4Ki to 128Ki", refused.Message, StringComparison.Ordinal);
    }

    private static Volume NewVolume(string name, VolumeParameters parameters) => new()
    {
        Id = new VolumeId(ScriptedZfsPool.Id, ObjectKey.FromName(name)),
        Name = name,
        Kind = VolumeKind.Block,
        Size = new ByteSize(Size),
        Parameters = parameters,
        Door = Door.Cli,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    // A raw device with a snapshot, and one that its record calls a device though ZFS does not.
    private static string Inventory()
    {
        var raw = NewVolume("raw", VolumeParameters.None);
        var snapshot = new Snapshot
        {
            Id = new SnapshotId(ScriptedZfsPool.Id, ObjectKey.FromName("then")), Name = "then", SourceVolume = raw.Id, Kind = VolumeKind.Block, Size = raw.Size, Door = Door.Cli, CreatedAt = DateTimeOffset.UnixEpoch,
        };
        return Line(Root, "used", "1000") + Line(Root, "available", "9000")
            + Of(raw, "volume")
            + Line($"{Root}/volumes/raw@then", "type", "snapshot")
            + string.Concat(ZfsRecords.Of(snapshot).Append(ZfsRecords.Of(new Storage.Pools.Cuts.CutMoment(DateTimeOffset.UnixEpoch, null))).Select(property => Line($"{Root}/volumes/raw@then", property.Name, property.Value)))
            + Of(NewVolume("liar", VolumeParameters.None), "filesystem");
    }

    private static string Of(Volume volume, string type) => $"{Root}/volumes/{volume.Id.Key}" is var name
        ? Line(name, "type", type) + Line(name, "referenced", "300") + Line(name, "volsize", Size.ToString(CultureInfo.InvariantCulture))
            + Line(name, "compression", "zstd") + Line(name, ZfsRecords.Attributes, "compression")
            + string.Concat(ZfsRecords.Of(volume).Select(property => Line(name, property.Name, property.Value)))
        : "";

    private static string Line(string name, string property, string value) => $"{name}\t{property}\t{value}\tlocal\n";
}
