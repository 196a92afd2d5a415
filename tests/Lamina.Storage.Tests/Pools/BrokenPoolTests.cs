using System.Reflection;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools;

/// <summary>The specification's tests notice what is wrong with a pool.</summary>
public sealed class BrokenPoolTests
{
    public static TheoryData<Breakage> Breakages => [.. Enum.GetValues<Breakage>()];

    [Theory]
    [MemberData(nameof(Breakages))]
    public async Task Specification_OfABrokenPool_Fails(Breakage breakage)
    {
        // The longest ones would notice almost anything: it is the plain facts that are to bite.
        foreach (var fact in typeof(PoolSpecification).GetMethods().Where(method => IsFact(method) && method.GetParameters().Length == 0))
        {
            if (await FailsAsync(breakage, fact))
                return;
        }
        Assert.Fail("every fact holds");
    }

    private static async Task<bool> FailsAsync(Breakage breakage, MethodInfo fact)
    {
        await using var specification = new Specification(breakage);
        await specification.InitializeAsync();
        try
        {
            if (fact.Invoke(specification, BindingFlags.DoNotWrapExceptions, null, [], null) is Task task)
                await task;
            return false;
        }
        catch (Exception)
        {
            return true;
        }
    }

    private static bool IsFact(MethodInfo method) =>
        method.GetCustomAttribute<FactAttribute>() is { } fact && (fact is not IPoolTest test || test.IsFor(typeof(Specification)));

    [PoolHas(PoolTraits.Snapshots | PoolTraits.RootOwnership | PoolTraits.OwnData | PoolTraits.Compression)]
    private sealed class Specification(Breakage breakage) : PoolSpecification
    {
        protected override async Task<ScratchPool> CreatePoolAsync() => await BrokenScratchPool.CreateAsync(breakage);
    }
}
