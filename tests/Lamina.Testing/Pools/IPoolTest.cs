using System.Reflection;

namespace Lamina.Testing.Pools;

/// <summary>A test of the specification that is for some pools only.</summary>
public interface IPoolTest
{
    /// <summary>What a pool must have for it.</summary>
    PoolTraits Needs { get; }

    /// <summary>What a pool must not have: it is a test of how that is refused.</summary>
    PoolTraits Without { get; }

    /// <summary>Whether a test class has the test.</summary>
    bool IsFor(Type testClass) => TraitsOf(testClass) is var has && (has & Needs) == Needs && (has & Without) == 0;

    /// <summary>What the pools of a test class have.</summary>
    static PoolTraits TraitsOf(Type testClass) => testClass.GetCustomAttribute<PoolHasAttribute>()?.Traits
        ?? throw new InvalidOperationException($"{testClass} does not say what its pools have: [PoolHas(…)]");
}
