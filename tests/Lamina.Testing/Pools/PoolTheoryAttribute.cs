using System.Runtime.CompilerServices;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Lamina.Testing.Pools;

/// <summary>A theory for the pools that have what it needs.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer(typeof(Discoverer))]
public sealed class PoolTheoryAttribute(
    PoolTraits needs, PoolTraits without = PoolTraits.None, [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
    : TheoryAttribute(sourceFilePath, sourceLineNumber), IPoolTest
{
    /// <inheritdoc/>
    public PoolTraits Needs => needs;

    /// <inheritdoc/>
    public PoolTraits Without => without;

    internal sealed class Discoverer : TheoryDiscoverer
    {
        public override ValueTask<IReadOnlyCollection<IXunitTestCase>> Discover(
            ITestFrameworkDiscoveryOptions discoveryOptions, IXunitTestMethod testMethod, IFactAttribute factAttribute) =>
            ((IPoolTest)factAttribute).IsFor(testMethod.TestClass.Class) ? base.Discover(discoveryOptions, testMethod, factAttribute) : new([]);
    }
}
