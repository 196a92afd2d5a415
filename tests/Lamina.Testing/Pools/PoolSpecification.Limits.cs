using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Sizes that the kernel enforces.</content>
public abstract partial class PoolSpecification
{
    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_Reached_RefusesMoreAndKeepsWhatIsThere()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(Of(16)));

        await Scratch.UseAsync(volume, mounted =>
        {
            Fill(mounted.At("file"), Of(8));
            Assert.Throws<IOException>(() => Fill(mounted.At("more"), Of(16)));
            File.Delete(mounted.At("more"));
            Fill(mounted.At("again"), Of(4));
            Assert.Equal(Of(8) << 20, new FileInfo(mounted.At("file")).Length);
        });
    }

    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_AfterAResize_IsTheNewOne()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(Of(16)));
        var mounted = await Scratch.AttachAsync(volume);
        Fill(mounted.At("file"), Of(12));
        Assert.Throws<IOException>(() => Fill(mounted.At("more"), Of(8)));
        File.Delete(mounted.At("more"));

        volume = volume with { Size = ByteSize.FromMebibytes(Of(32)) };
        await Pool.ResizeVolumeAsync(volume);

        Fill(mounted.At("more"), Of(8));
        Assert.Throws<IOException>(() => Fill(mounted.At("too much"), Of(24)));
        await Scratch.DetachAsync(volume);
    }

    [PoolFact(PoolTraits.HardLimits)]
    public async Task Limit_AfterARestart_IsStillThere()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(Of(16)));

        await Scratch.ReopenAsync();

        await Scratch.UseAsync(volume, mounted => Assert.Throws<IOException>(() => Fill(mounted.At("too much"), Of(24))));
    }

    [PoolFact(PoolTraits.HardLimits | PoolTraits.Snapshots)]
    public async Task Limit_OfACopy_IsItsOwn()
    {
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(Of(16)));
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), Of(8)));

        var copy = await Scratch.RestoreAsync(await Scratch.SnapshotAsync(volume, "s"), "b", ByteSize.FromMebibytes(Of(64)));

        await Scratch.UseAsync(copy, mounted =>
        {
            Fill(mounted.At("more"), Of(40));
            Assert.Throws<IOException>(() => Fill(mounted.At("too much"), Of(64)));
        });
    }

    [PoolFact(PoolTraits.HardLimits | PoolTraits.Snapshots)]
    public async Task Limit_AfterSnapshots_LetsAllBeRewrittenInPlace()
    {
        // More than half of the size, so that two of it would be too much.
        var (size, filled) = Scratch.IsSlowNearLimits ? (32, 17) : (32, 28);
        var volume = await Scratch.CreateAsync("a", ByteSize.FromMebibytes(size));
        await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), filled));

        for (var cut = 0; cut < 3; cut++)
        {
            await Scratch.SnapshotAsync(volume, $"s{cut}");
            await Scratch.UseAsync(volume, mounted => Fill(mounted.At("file"), filled, seed: cut + 2));
        }
    }

    private int Of(int mebibytes) => Scratch.IsSlowNearLimits ? mebibytes / 4 : mebibytes;
}
