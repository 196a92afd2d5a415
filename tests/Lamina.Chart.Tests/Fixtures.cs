using System.Runtime.CompilerServices;
using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]

namespace Lamina.Chart.Tests;

internal static class Fixtures
{
#pragma warning disable CA2255 // A test program is an application: nobody else's start is disturbed.
    [ModuleInitializer]
    internal static void TakeSettings() => TestSettings.TakeAll();
#pragma warning restore CA2255
}
