using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>What a daemon leaves that is killed: the next load removes it, and nothing else.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Directory)]
    public async Task Staged_ByAKilledDaemon_IsRemovedByTheNextLoad()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "content");
        await Scratch.CloseAsync();
        var incoming = Path.Combine(PoolPath, "incoming");
        Directory.CreateDirectory(Path.Combine(incoming, "empty"));
        var whole = Directory.CreateDirectory(Path.Combine(incoming, "whole")).FullName;
        File.Copy(RecordOf(volume), Path.Combine(whole, "record.json"));
        Directory.CreateDirectory(Path.Combine(whole, "data", "deep"));

        var contents = await Scratch.OpenAsync();

        AssertSame([volume], contents.Volumes);
        Assert.Empty(Directory.EnumerateFileSystemEntries(incoming));
        await TrashEmptiesAsync();
        Assert.Equal("content", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Trash_OfAKilledDaemon_IsEmptiedAfterTheNextLoad()
    {
        var volume = await Scratch.CreateAsync("a");
        var kept = await Scratch.CreateAsync("b");
        await Scratch.WriteAsync(kept, "file", "content");
        await Scratch.CloseAsync();
        Directory.Move(Path.Combine(PoolPath, "volumes", "a"), Path.Combine(PoolPath, "trash", "a.abcdefghijklm"));
        await File.WriteAllTextAsync(Path.Combine(PoolPath, "trash", "a file"), "");

        var contents = await Scratch.OpenAsync();

        AssertSame([kept], contents.Volumes);
        await TrashEmptiesAsync();
        Assert.Equal("content", await Scratch.ReadAsync(kept, "file"));
        await Scratch.CreateAsync(volume.Name);
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Record_HalfReplacedByAKilledDaemon_IsTheOldOne()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.CloseAsync();
        await File.WriteAllTextAsync(Path.Combine(PoolPath, "volumes", "a", ".record.json.0123456789abcdef"), "{ \"for");

        AssertSame([volume], (await Scratch.OpenAsync()).Volumes);
        await Pool.DeleteVolumeAsync(volume);
        await TrashEmptiesAsync();
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Trash_AfterDeletes_IsEmpty()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.UseAsync(volume, mounted => Directory.CreateDirectory(mounted.At("some/deep/tree")));
        if (Pool.Description.Features.HasFlag(PoolFeatures.Snapshots))
        {
            var snapshot = await Scratch.SnapshotAsync(volume, "s");
            await Pool.DeleteVolumeAsync(await Scratch.RestoreAsync(snapshot, "b"));
            await Pool.DeleteSnapshotAsync(snapshot);
        }
        await Pool.DeleteVolumeAsync(volume);

        await TrashEmptiesAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(PoolPath, "incoming")));
    }

    [PoolFact(PoolTraits.Directory)]
    public async Task Create_Refused_LeavesNothing()
    {
        var volume = await Scratch.CreateAsync("a");

        await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.CreateAsync("a"));
        if (Pool.Description.Features.HasFlag(PoolFeatures.Snapshots))
            await AssertRefusedAsync(StorageError.AlreadyExists, () => Scratch.CloneAsync(volume, "a"));

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(PoolPath, "incoming")));
        await TrashEmptiesAsync();
    }

    protected Task TrashEmptiesAsync() =>
        Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(PoolPath, "trash")).Any(), "the trash is empty");
}
