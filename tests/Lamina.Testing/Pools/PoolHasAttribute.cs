namespace Lamina.Testing.Pools;

/// <summary>
/// Says what the pools of a test class have. It has the tests of the specification that go with that, and no others: what does not apply is not
/// there, rather than skipped. One of the tests is that it is true.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PoolHasAttribute(PoolTraits traits) : Attribute
{
    /// <summary>What they have.</summary>
    public PoolTraits Traits => traits;
}
