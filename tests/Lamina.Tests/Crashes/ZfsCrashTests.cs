using Lamina.Testing;

namespace Lamina.Tests.Crashes;

/// <summary>The same on a ZFS pool.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsCrashTests(ZfsFileSystem fileSystem)
{
    [Fact]
    public async Task Daemon_KilledInTheMiddleOfCalls_LosesNothingAndLeavesNothing()
    {
        await using var scene = await CrashScene.CreateAsync(fileSystem);
        await CrashTests.KillAsync(scene);
    }
}
