using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Snapshots and restores.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_Restored_HasWhatTheVolumeHad()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        await Scratch.WriteAsync(volume, "file", "now");

        var restored = await Scratch.RestoreAsync(snapshot, "b");

        Assert.Equal("then", await Scratch.ReadAsync(restored, "file"));
        Assert.Equal("now", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_Answered_SaysWhenItWasCutAndIsLoadedAsAnswered()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(64));
        var before = TimeProvider.System.GetUtcNow();

        var snapshot = await Scratch.SnapshotAsync(volume, "Name with / and ..");

        Assert.InRange(snapshot.CreatedAt, before, TimeProvider.System.GetUtcNow());
        var contents = await Scratch.ReopenAsync();
        AssertSame([snapshot], contents.Snapshots);
        AssertSame([volume], contents.Volumes);
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_OfWhatIsInUse_HasWhatWasWrittenBefore()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        File.WriteAllText(mounted.At("file"), "then");

        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        File.WriteAllText(mounted.At("file"), "now");
        await Scratch.DetachAsync(volume);

        Assert.Equal("then", await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, "b"), "file"));
        Assert.Equal("now", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_RestoredTwice_GivesTwoVolumes()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        var first = await Scratch.RestoreAsync(snapshot, "b");
        await Scratch.WriteAsync(first, "file", "first");

        var second = await Scratch.RestoreAsync(snapshot, "c");
        await Scratch.WriteAsync(second, "file", "second");

        Assert.Equal("first", await Scratch.ReadAsync(first, "file"));
        Assert.Equal("then", await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, "d"), "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshots_OfManyMoments_EachHaveTheirOwn()
    {
        var volume = await Scratch.CreateAsync("a");
        var snapshots = new List<Snapshot>();
        for (var moment = 0; moment < 6; moment++)
        {
            await Scratch.UseAsync(volume, mounted =>
            {
                File.WriteAllText(mounted.At("file"), $"{moment}");
                File.WriteAllText(mounted.At($"of-{moment}"), "");
                File.Delete(mounted.At($"of-{moment - 1}"));
            });
            snapshots.Add(await Scratch.SnapshotAsync(volume, $"s{moment}"));
        }
        await Scratch.ReopenAsync();

        for (var moment = 0; moment < snapshots.Count; moment++)
        {
            await Scratch.UseAsync(await Scratch.RestoreAsync(snapshots[moment], $"b{moment}"), mounted =>
            {
                Assert.Equal($"{moment}", File.ReadAllText(mounted.At("file")));
                Assert.Equal(["file", $"of-{moment}"], Directory.EnumerateFiles(mounted.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            });
        }
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_VolumeDeleted_IsAsBefore()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        await Pool.DeleteVolumeAsync(volume);
        var contents = await Scratch.ReopenAsync();

        AssertSame([snapshot], contents.Snapshots);
        Assert.Equal("then", await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, "b"), "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Snapshot_Deleted_IsGoneAndItsCopiesStay()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        var restored = await Scratch.RestoreAsync(snapshot, "b");

        await Pool.DeleteSnapshotAsync(snapshot);
        var contents = await Scratch.ReopenAsync();

        Assert.Empty(contents.Snapshots);
        AssertSame([volume, restored], contents.Volumes);
        Assert.Equal("then", await Scratch.ReadAsync(restored, "file"));
    }

    [PoolFact(PoolTraits.Snapshots | PoolTraits.OwnSpace)]
    public async Task Snapshot_Deleted_GivesBackWhatOnlyItHeld()
    {
        WaitForSpace();
        var volume = await Scratch.CreateAsync("a");
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 32));
        var snapshot = await Scratch.SnapshotAsync(volume, "s");
        await Scratch.UseAsync(volume, mounted => File.Delete(mounted.At("file")));
        await Scratch.ReopenAsync();
        var before = Pool.GetCapacity().Available.Bytes;

        await Pool.DeleteVolumeAsync(volume);
        await Pool.DeleteSnapshotAsync(snapshot);

        await Eventually.TrueAsync(() => Pool.GetCapacity().Available.Bytes > before + (24 << 20), "the space comes back");
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Copies_WithoutRootParameters_HaveTheirSourcesRoot()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.UseAsync(volume, mounted =>
        {
            using var root = Files.OpenDirectory(mounted.Path);
            Files.ChangeOwner(root, 70, 71);
            Files.ChangeMode(root, 0x3C0);
            if (Scratch.HasExtendedAttributes)
                ExtendedAttributes.Set(root, "user.color", "blue"u8);
        });
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        foreach (var copy in new[] { await Scratch.RestoreAsync(snapshot, "b"), await Scratch.CloneAsync(volume, "c"), volume })
        {
            await Scratch.UseAsync(copy, mounted =>
            {
                AssertRoot(mounted, 70, 71, 0x3C0);
                using var root = Files.OpenDirectory(mounted.Path);
                if (Scratch.HasExtendedAttributes)
                    Assert.Equal("blue"u8.ToArray(), ExtendedAttributes.Get(root, "user.color"));
            });
        }
    }

    [PoolFact(PoolTraits.Snapshots | PoolTraits.RootOwnership)]
    public async Task Copy_WithRootParameters_HasThem()
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        var copy = Scratch.NewVolume("b", null, VolumeSource.From(snapshot.Id)) with { Parameters = VolumeParameters.None with { Gid = 5, Mode = 0x1F8 } };
        await Pool.CreateVolumeAsync(copy, new VolumeContent.OfSnapshot(snapshot));

        await Scratch.UseAsync(copy, mounted => AssertRoot(mounted, 0, 5, 0x1F8));
        await Scratch.UseAsync(volume, mounted => AssertRoot(mounted, 0, 0, 0x1ED));
        Assert.Equal("then", await Scratch.ReadAsync(copy, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Copy_LargerThanItsSource_HasItsSize()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(32));
        await Scratch.WriteAsync(volume, "file", "then");
        var snapshot = await Scratch.SnapshotAsync(volume, "s");

        var copy = await Scratch.RestoreAsync(snapshot, "b", ByteSize.FromMebibytes(96));

        await Scratch.UseAsync(copy, mounted => Fill(mounted.At("large"), 48));
        Assert.Equal("then", await Scratch.ReadAsync(copy, "file"));
        Assert.Contains((await Scratch.ReopenAsync()).Volumes, loaded => loaded.Id == copy.Id && loaded.Size == ByteSize.FromMebibytes(96));
    }
}
