using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Any sequence of calls, against plain trees in memory.</content>
public abstract partial class PoolSpecification
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AnySequence_OfCalls_IsAsWithPlainTrees(int seed)
    {
        Needs(PoolFeatures.Snapshots);

        await new PoolSequence(Scratch, seed).RunAsync(steps: 120);
    }
}
