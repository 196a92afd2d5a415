using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools;

/// <summary>How the blocks of many snapshots are read at once.</summary>
public sealed class BlockRangesTests
{
    [Fact]
    public async Task Next_OfManyAtOnce_ReadsFourAtATimeAndServesAll()
    {
        using var go = new ManualResetEventSlim();
        var (now, most) = (0, 0);
        IEnumerable<Extent> Read()
        {
            var reading = Interlocked.Increment(ref now);
            lock (go)
                most = Math.Max(most, reading);
            go.Wait(TestContext.Current.CancellationToken);
            Interlocked.Decrement(ref now);
            yield return new Extent(0, 4096);
        }
        var all = Enumerable.Range(0, 20).Select(_ => new BlockRanges(Read(), next => next(), [], TestContext.Current.CancellationToken)).ToList();

        var answers = all.ConvertAll(ranges => ranges.NextAsync(10));
        await Eventually.TrueAsync(() => Volatile.Read(ref now) == 4, "four readers at once");
        go.Set();

        Assert.All(await Task.WhenAll(answers), ranges => Assert.Single(ranges));
        Assert.Equal(4, most);
        all.ForEach(ranges => ranges.Dispose());
    }

    [Fact]
    public async Task Next_WhoseCallerLeavesWhileItWaitsForItsTurn_EndsAndTakesNone()
    {
        using var go = new ManualResetEventSlim();
        using var leave = new CancellationTokenSource();
        IEnumerable<Extent> Read()
        {
            go.Wait(TestContext.Current.CancellationToken);
            yield return new Extent(0, 4096);
        }
        var readers = Enumerable.Range(0, 4).Select(_ => new BlockRanges(Read(), next => next(), [], TestContext.Current.CancellationToken)).ToList();
        var answers = readers.ConvertAll(ranges => ranges.NextAsync(10));
        using var late = new BlockRanges(Read(), next => next(), [], leave.Token);

        var waiting = late.NextAsync(10);
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        go.Set();
        Assert.All(await Task.WhenAll(answers), ranges => Assert.Single(ranges));
        readers.ForEach(ranges => ranges.Dispose());
    }
}
