using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests;

/// <summary>
/// Nothing that a pool does for an orchestrator starts a process: everything is done in a process which the kernel kills when it tries to.
/// </summary>
[Collection<BtrfsCollection>]
public sealed class ProcessStartTests(BtrfsFileSystem fileSystem)
{
    // What a shell says of SIGSYS, which is what the kernel kills with.
    private const int KilledByTrap = 128 + 31;

    [Theory]
    [InlineData(PoolBackend.Overlay2)]
    [InlineData(PoolBackend.Btrfs)]
    [InlineData(PoolBackend.Bind)]
    public async Task Operations_WhereNoProcessCanBeStarted_AllWork(PoolBackend backend)
    {
        var pool = fileSystem.NewDirectory("pool");
        var place = TestScratch.NewDirectory("place");
        Directory.CreateDirectory(Path.Combine(place, "source"));
        PoolInitializer.Initialize(new PoolSettings { Name = PoolName.Default, Backend = backend, Path = pool });

        var result = await RunAsync("operate", backend.ToString(), pool, TestScratch.NewDirectory("run"), place);

        Assert.Equal((0, "ready\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task ProcessStart_WhereNoProcessCanBeStarted_Kills()
    {
        var result = await RunAsync("start-process");

        Assert.Equal((KilledByTrap, "ready\n"), (result.ExitCode, result.Output));
    }

    private static Task<ChildResult> RunAsync(params string[] arguments) =>
        ChildProcess.RunAsync(WorkloadProcess.Program, arguments, TestContext.Current.CancellationToken);
}
