using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Sizes that the kernel enforces.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_Reached_RefusesMoreAndKeepsWhatIsThere()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(16));

        await Scratch.UseAsync(volume, mounted =>
        {
            Fill(mounted.At("file"), 8);
            Assert.Throws<IOException>(() => Fill(mounted.At("more"), 16));
            File.Delete(mounted.At("more"));
            Fill(mounted.At("again"), 4);
            Assert.Equal(8 << 20, new FileInfo(mounted.At("file")).Length);
        });
    }

    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_AfterAResize_IsTheNewOne()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(16));
        var mounted = await Scratch.AttachAsync(volume);
        Fill(mounted.At("file"), 12);
        Assert.Throws<IOException>(() => Fill(mounted.At("more"), 8));
        File.Delete(mounted.At("more"));

        volume = volume with { Size = ByteSize.FromMebibytes(32) };
        await Pool.ResizeVolumeAsync(volume);

        Fill(mounted.At("more"), 8);
        Assert.Throws<IOException>(() => Fill(mounted.At("too much"), 24));
        await Scratch.DetachAsync(volume);
    }

    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_AfterARestart_IsStillThere()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(16));

        await Scratch.ReopenAsync();

        await Scratch.UseAsync(volume, mounted => Assert.Throws<IOException>(() => Fill(mounted.At("too much"), 24)));
    }

    [PoolFact(PoolTraits.HardLimits | PoolTraits.Snapshots)]
    public async Task Limit_OfACopy_IsItsOwn()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(16));
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 8));

        var copy = await Scratch.RestoreAsync(await Scratch.SnapshotAsync(volume, "s"), "b", ByteSize.FromMebibytes(64));

        await Scratch.UseAsync(copy, mounted =>
        {
            Fill(mounted.At("more"), 40);
            Assert.Throws<IOException>(() => Fill(mounted.At("too much"), 64));
        });
    }

    [PoolFact(PoolTraits.HardLimits | PoolTraits.Snapshots)]
    public async Task Limit_AfterSnapshots_LetsAllBeRewrittenInPlace()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(32));
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 28));

        for (var cut = 0; cut < 3; cut++)
        {
            await Scratch.SnapshotAsync(volume, $"s{cut}");
            await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), 28, seed: cut + 2));
        }
    }
}
