using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Any sequence of calls, against plain trees in memory.</content>
public abstract partial class PoolSpecification
{
    [PoolTheory(PoolTraits.Snapshots)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AnySequence_OfCalls_IsAsWithPlainTrees(int seed)
    {
        await new PoolSequence(Scratch, seed).RunAsync(steps: 120);
    }
}
