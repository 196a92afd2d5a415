using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Never destroy on a doubt: what can't be read is reported and kept. For pools that lie in a directory.</content>
public abstract partial class PoolSpecification
{
    [PoolTheory(PoolTraits.Directory)]
    [InlineData("", "empty")]
    [InlineData("{ \"format\": 1, \"volu", "cut")]
    [InlineData("{ \"format\": 2 }", "of a later version")]
    [InlineData("{ \"format\": 1 }", "without a volume")]
    [InlineData("{ \"format\": 1, \"volume\": null }", "of nothing")]
    public async Task Record_Unreadable_IsReportedAndKeptAndBlocksItsKey(string content, string what)
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", what);
        var other = await Scratch.CreateAsync("b");
        await Scratch.CloseAsync();
        var before = await File.ReadAllBytesAsync(RecordOf(volume));
        await File.WriteAllTextAsync(RecordOf(volume), content);

        var contents = await Scratch.OpenAsync();

        AssertSame([other], contents.Volumes);
        var unreadable = Assert.Single(contents.Unreadable);
        Assert.Equal((volume.Id.Key, false), (unreadable.Key, unreadable.IsSnapshot));
        Assert.NotEmpty(unreadable.Reason);
        Assert.Equal(content, await File.ReadAllTextAsync(RecordOf(volume)));
        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.CreateAsync("a"));

        // The rest of the pool works, and what was mended by hand is there again.
        await Scratch.WriteAsync(other, "file", "other");
        await Scratch.CloseAsync();
        await File.WriteAllBytesAsync(RecordOf(volume), before);
        AssertSame([volume, other], (await Scratch.OpenAsync()).Volumes);
        Assert.Equal(what, await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Directory | PoolTraits.OwnData)]
    public async Task Volume_OfAPoolThatAnotherMountHides_IsNotAttachedFromThere()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "what");

        using (new Hidden(PoolPath))
            await AssertRefusedAsync(StorageError.Unavailable, () => Pool.AttachAsync(volume));

        Assert.Equal("what", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Record_WithWhatALaterVersionAdded_IsUnreadable()
    {
        var volume = await Scratch.CreateAsync("a");
        await ChangeRecordAsync(volume, record => record["inventions"] = "lost if it were written again");

        Assert.Equal(volume.Id.Key, Assert.Single((await Scratch.OpenAsync()).Unreadable).Key);
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Record_OfAnotherPool_IsUnreadable()
    {
        var volume = await Scratch.CreateAsync("a");
        await ChangeRecordAsync(volume, record => record["volume"]!["id"] = new VolumeId(PoolId.NewRandom(), volume.Id.Key).ToString());

        Assert.Equal(volume.Id.Key, Assert.Single((await Scratch.OpenAsync()).Unreadable).Key);
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Record_OfAnotherKey_IsUnreadable()
    {
        await Scratch.CreateAsync("a");
        await Scratch.CloseAsync();
        Directory.Move(Path.Combine(PoolPath, "volumes", "a"), Path.Combine(PoolPath, "volumes", "b"));

        Assert.Equal(ObjectKey.FromName("b"), Assert.Single((await Scratch.OpenAsync()).Unreadable).Key);
    }

    [PoolTheory(PoolTraits.Directory)]
    [InlineData("Not A Key")]
    [InlineData("no-record")]
    public async Task Record_Missing_IsUnreadableAndKept(string name)
    {
        await Scratch.CloseAsync();
        var directory = Path.Combine(PoolPath, "volumes", name);
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(Path.Combine(directory, "precious"), "content");

        var unreadable = Assert.Single((await Scratch.OpenAsync()).Unreadable);

        Assert.Equal(ObjectKey.TryParse(name, out var key) ? key : null, unreadable.Key);
        Assert.Equal($"volumes/{name}", unreadable.Path);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(directory, "precious")));
    }

    [PoolFact(PoolTraits.Directory | PoolTraits.Snapshots)]
    public async Task Snapshot_Unreadable_IsReportedAndBlocksItsKey()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.SnapshotAsync(volume, "s");
        await Scratch.CloseAsync();
        await File.WriteAllTextAsync(Path.Combine(PoolPath, "snapshots", "s", "record.json"), "");

        var contents = await Scratch.OpenAsync();

        Assert.Empty(contents.Snapshots);
        Assert.True(Assert.Single(contents.Unreadable).IsSnapshot);
        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.SnapshotAsync(volume, "s"));
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Pool_WithAnUnreadableRecord_SweepsNothing()
    {
        var volume = await Scratch.CreateAsync("a");
        var other = await Scratch.CreateAsync("b");
        await Scratch.CloseAsync();
        await File.WriteAllTextAsync(RecordOf(volume), "");
        var trashed = Path.Combine(PoolPath, "trash", "old.abcdefghijklm");
        Directory.CreateDirectory(trashed);
        await File.WriteAllTextAsync(Path.Combine(trashed, "precious"), "content");

        await Scratch.OpenAsync();
        await Pool.DeleteVolumeAsync(other);
        await Scratch.ReopenAsync();

        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(trashed, "precious")));
        Assert.Contains(
            Directory.EnumerateDirectories(Path.Combine(PoolPath, "trash")),
            entry => Path.GetFileName(entry).StartsWith("b.", StringComparison.Ordinal));
    }

    [PoolTheory(PoolTraits.Directory)]
    [InlineData("")]
    [InlineData("{ \"format\": 2, \"id\": \"aaaaaaaaaaaaa\", \"backend\": \"Overlay2\" }")]
    [InlineData("{ \"format\": 1, \"id\": \"not an id\", \"backend\": \"Overlay2\" }")]
    public async Task Pool_OfUnknownFormat_IsNotOpenedAndNotTouched(string identity)
    {
        await Scratch.CreateAsync("a");
        await Scratch.CloseAsync();
        var file = Path.Combine(PoolPath, "pool.json");
        await File.WriteAllTextAsync(file, identity);
        var staged = Directory.CreateDirectory(Path.Combine(PoolPath, "incoming", "left")).FullName;

        AssertRefused(StorageError.Unavailable, () => Scratch.OpenAnother());

        Assert.Equal(identity, await File.ReadAllTextAsync(file));
        Assert.True(Directory.Exists(staged));
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Pool_WithoutItsDisk_IsNotOpened()
    {
        await Scratch.CloseAsync();
        var aside = PoolPath + "-aside";
        Directory.Move(PoolPath, aside);

        AssertRefused(StorageError.Unavailable, () => Scratch.OpenAnother());
        Directory.CreateDirectory(PoolPath);
        AssertRefused(StorageError.Unavailable, () => Scratch.OpenAnother());

        Assert.Empty(Directory.EnumerateFileSystemEntries(PoolPath));
        Directory.Delete(PoolPath);
        Directory.Move(aside, PoolPath);
        await Scratch.OpenAsync();
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Pool_OnAReadOnlyMount_IsNotOpened()
    {
        await Scratch.CloseAsync();
        using (var directory = Files.OpenDirectory(PoolPath))
        using (var tree = Mounts.CloneTree(directory))
        {
            Mounts.SetAttributes(tree, MountAttributes.ReadOnly, MountAttributes.None);
            Mounts.Attach(tree, PoolPath);
        }
        try
        {
            AssertRefused(StorageError.Unavailable, () => Scratch.OpenAnother());
        }
        finally
        {
            MountCleanup.UnmountBeneath(PoolPath);
        }
    }

    private string RecordOf(Volume volume) => Path.Combine(PoolPath, "volumes", volume.Id.Key.ToString(), "record.json");

    private async Task ChangeRecordAsync(Volume volume, Action<JsonNode> change)
    {
        await Scratch.CloseAsync();
        var record = JsonNode.Parse(await File.ReadAllBytesAsync(RecordOf(volume)))!;
        change(record);
        await File.WriteAllTextAsync(RecordOf(volume), record.ToJsonString());
    }
}
