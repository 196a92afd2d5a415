using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools.Cuts;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>The steps of a snapshot: begun, cut, published, or given up before.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.Snapshots)]
    public Task Snapshot_CutButNotPublished_NeverWas() => GiveUpAsync(isInUse: false);

    [PoolFact(PoolTraits.Snapshots)]
    public Task Snapshot_CutWhileInUseButNotPublished_NeverWas() => GiveUpAsync(isInUse: true);

    [PoolFact(PoolTraits.Snapshots | PoolTraits.Directory)]
    public async Task Snapshot_GivenUp_GivesBackItsSpace()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        File.WriteAllText(mounted.At("file"), "then");
        await using (var cut = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(volume, "s"), Scratch.InUse(volume)))
            await Scratch.Cuts.RunAsync([cut]);
        await Scratch.DetachAsync(volume);
        await Pool.DeleteVolumeAsync(volume);

        await TrashEmptiesAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(PoolPath, "incoming")));
        if (Directory.Exists(Path.Combine(PoolPath, "layers")))
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(PoolPath, "layers")));
    }

    [PoolTheory(PoolTraits.Snapshots)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Snapshot_BetweenItsCutAndItsPublication_HasWhatWasBeforeTheCut(bool isInUse)
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        Snapshot snapshot;
        var mounted = isInUse ? await Scratch.AttachAsync(volume) : null;
        await using (var cut = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(volume, "s"), Scratch.InUse(volume)))
        {
            var moment = await Scratch.Cuts.RunAsync([cut]);
            if (mounted is not null)
                File.WriteAllText(mounted.At("file"), "now");
            snapshot = await cut.PublishAsync(moment);
            Assert.Equal(moment.At, snapshot.CreatedAt);
            Assert.Equal(moment.Pause, snapshot.Pause);
        }
        await Scratch.DetachAsync(volume);

        Assert.Equal("then", await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, "b"), "file"));
        Assert.Equal(isInUse ? "now" : "then", await Scratch.ReadAsync(volume, "file"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Cut_TakenAgain_HasWhatWasBeforeTheSecond()
    {
        var volume = await Scratch.CreateAsync("a");
        var mounted = await Scratch.AttachAsync(volume);
        File.WriteAllText(mounted.At("file"), "first");
        File.WriteAllText(mounted.At("gone"), "first");
        Snapshot snapshot;
        await using (var cut = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(volume, "s"), Scratch.InUse(volume)))
        {
            Take(cut);
            File.WriteAllText(mounted.At("file"), "second");
            File.Delete(mounted.At("gone"));
            Take(cut);
            cut.Finish();
            snapshot = await cut.PublishAsync(new CutMoment(TimeProvider.System.GetUtcNow(), null));
        }
        await Scratch.DetachAsync(volume);

        var restored = await Scratch.RestoreAsync(snapshot, "b");
        Assert.Equal("second", await Scratch.ReadAsync(restored, "file"));
        Assert.Null(await Scratch.ReadAsync(restored, "gone"));
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Cuts_OfSeveralVolumes_AreOfOneMoment()
    {
        var (attached, other, detached) = (await Scratch.CreateAsync("a"), await Scratch.CreateAsync("b"), await Scratch.CreateAsync("c"));
        await Scratch.WriteAsync(detached, "file", "c");
        File.WriteAllText((await Scratch.AttachAsync(attached)).At("file"), "a");
        File.WriteAllText((await Scratch.AttachAsync(other)).At("file"), "b");
        var snapshots = new List<Snapshot>();
        await using (var first = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(attached, "s"), Scratch.InUse(attached)))
        await using (var second = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(other, "t"), Scratch.InUse(other)))
        await using (var third = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(detached, "u"), Scratch.InUse(detached)))
        {
            ISnapshotCut[] cuts = [first, second, third];
            var moment = await Scratch.Cuts.RunAsync(cuts);
            foreach (var cut in cuts)
                snapshots.Add(await cut.PublishAsync(moment));
        }
        await Scratch.DetachAsync(attached);
        await Scratch.DetachAsync(other);

        Assert.Single(snapshots.Select(snapshot => snapshot.CreatedAt).Distinct());
        AssertSame(snapshots, (await Scratch.ReopenAsync()).Snapshots);
        foreach (var (snapshot, content) in snapshots.Zip(["a", "b", "c"]))
            Assert.Equal(content, await Scratch.ReadAsync(await Scratch.RestoreAsync(snapshot, $"from-{content}"), "file"));
    }

    private async Task GiveUpAsync(bool isInUse)
    {
        var volume = await Scratch.CreateAsync("a");
        await Scratch.WriteAsync(volume, "file", "then");
        if (isInUse)
            await Scratch.AttachAsync(volume);
        await using (var cut = await Pool.BeginSnapshotAsync(Scratch.NewSnapshot(volume, "s"), Scratch.InUse(volume)))
            await Scratch.Cuts.RunAsync([cut]);
        await Scratch.DetachAsync(volume);

        Assert.Empty((await Scratch.ReopenAsync()).Snapshots);
        var again = await Scratch.SnapshotAsync(volume, "s");
        AssertSame([again], (await Scratch.ReopenAsync()).Snapshots);
        Assert.Equal("then", await Scratch.ReadAsync(volume, "file"));
    }

    // As the runner does it, with nobody to be stopped.
    private static void Take(ISnapshotCut cut)
    {
        cut.Prepare();
        var moment = KernelClock.Now;
        while (KernelClock.FileTime <= moment)
            Thread.Sleep(1);
        cut.Cut(new WritePoint { StoodStillAt = moment });
    }
}
