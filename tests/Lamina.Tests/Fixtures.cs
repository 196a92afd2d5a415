using System.Runtime.CompilerServices;
using Lamina.Testing;

[assembly: AssemblyFixture(typeof(HostLeakCheck))]
[assembly: AssemblyFixture(typeof(OtherMountNamespace))]

namespace Lamina.Tests;

// Alone: whoever makes a mount namespace while a dataset is mounted, as a container engine does, keeps it mounted when it is unmounted here.
[CollectionDefinition(DisableParallelization = true)]
public sealed class ZfsCollection : ICollectionFixture<ZfsFileSystem>;

internal static class Fixtures
{
#pragma warning disable CA2255 // A test program is an application: nobody else's start is disturbed.
    [ModuleInitializer]
    internal static void TakeSettings() => TestSettings.TakeAll();
#pragma warning restore CA2255
}
