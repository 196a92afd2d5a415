using System.Globalization;
using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Keys that are taken, and calls at once.</content>
public abstract partial class PoolSpecification
{
    [Fact]
    public async Task Create_KeyTaken_IsRefusedAndChangesNothing()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");

        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.CreateAsync("a"));

        AssertSame([volume], (await Scratch.ReopenAsync()).Volumes);
        Assert.Equal("content", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_KeyTaken_IsRefusedAndChangesNothing()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        await Scratch.WriteAsync(volume, "file", "now");

        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.SnapshotAsync(volume, "s"));

        AssertSame([snapshot], (await Scratch.ReopenAsync()).Snapshots);
        Assert.Equal("then", await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, "b"), "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_MayHaveTheKeyOfAVolume()
    {
        var volume = await Scratch.CreateAsync("a");
        var snapshot = await Scratch.SnapshotAsync(volume, "a");

        await Pool.DeleteVolumeAsync(volume);

        AssertSame([snapshot], (await Scratch.ReopenAsync()).Snapshots);
    }

    [Fact]
    public async Task Creates_OfOneKeyAtOnce_OneWins()
    {
        var tries = Enumerable.Range(0, 4).Select(_ => Task.Run(() => Scratch.CreateAsync("a"))).ToList();

        var outcomes = new List<StorageError?>();
        foreach (var one in tries)
            outcomes.Add((await Record.ExceptionAsync(() => one) as StorageException)?.Error);

        Assert.Equal([null, StorageError.AlreadyExists, StorageError.AlreadyExists, StorageError.AlreadyExists], outcomes.Order());
        Assert.Single((await Scratch.ReopenAsync()).Volumes);
    }

    [Fact]
    public async Task Creates_OfEightAtOnce_MakeEight()
    {
        var volumes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Scratch.CreateAsync(Numbered(i)))));

        AssertSame(volumes, (await Scratch.ReopenAsync()).Volumes);
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task CopiesAndDeletes_OfEightAtOnce_AreEachDone()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        var copies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Scratch.RestoreAsync(snapshot, Numbered(i)))));
        await Task.WhenAll(copies.Take(4).Select(copy => Task.Run(() => Pool.DeleteVolumeAsync(copy))));
        var contents = await Scratch.ReopenAsync();

        AssertSame(copies.Skip(4).Append(volume), contents.Volumes);
        foreach (var copy in copies.Skip(4))
            Assert.Equal("then", await Scratch.ReadAsync(copy, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshots_OfEightVolumesAtOnce_AreEachTheirOwn()
    {
        var volumes = new List<Volume>();
        for (var i = 0; i < 8; i++)
        {
            volumes.Add(await Scratch.CreateAsync(Numbered(i)));
            await Scratch.WriteAsync(volumes[i], "file", Numbered(i));
        }

        var snapshots = await Task.WhenAll(volumes.Select(volume => Task.Run(() => Scratch.SnapshotAsync(volume, volume.Name))));

        AssertSame(snapshots, (await Scratch.ReopenAsync()).Snapshots);
        for (var i = 0; i < 8; i++)
            Assert.Equal(Numbered(i), await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshots[i], $"copy-{i}"), "file"));
    }

    private static string Numbered(int number) => string.Create(CultureInfo.InvariantCulture, $"v{number}");
}
