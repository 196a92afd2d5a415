using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]

namespace Lamina.Tests;
