using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Crashes;

/// <summary>
/// Law 2 over the real daemon: whatever it is killed in the middle of, what was answered is there, and what was not is there whole or not at
/// all. LAMINA_SOAK=1 kills many times; LAMINA_SEED repeats the calls of a run that failed, though not its moments.
/// </summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(PoolBackend.Overlay2, FileSystemKind.Ext4)]
    [InlineData(PoolBackend.Overlay2, FileSystemKind.Btrfs)]
    [InlineData(PoolBackend.Btrfs, FileSystemKind.Btrfs)]
    public async Task Daemon_KilledInTheMiddleOfCalls_LosesNothingAndLeavesNothing(PoolBackend backend, FileSystemKind fileSystem)
    {
        await using var scene = await CrashScene.CreateAsync(backend, fileSystem);
        await KillAsync(scene);
    }

    internal static async Task KillAsync(CrashScene scene)
    {
        var kills = TestSettings.IsSoak ? 80 : 3;
        var seed = TestSettings.Seed ?? Random.Shared.Next();
        var run = new CrashRun(scene, seed);

        await run.RunAsync(kills);

        Report(run);

        // Else nothing was tested.
        Assert.True(2 * run.Kills.Count(kill => kill.Unanswered.Count > 0) >= kills, $"with seed {seed} the daemon was hardly ever killed in the middle of a call");
        if (TestSettings.IsSoak)
            Assert.Empty(run.Kinds.Except(run.Kills.SelectMany(kill => kill.Unanswered)));
    }

    [Fact]
    public async Task Daemon_KilledInTheMiddleOfAMergeOfLayers_LosesNothingAndLeavesNothing()
    {
        const int most = 20;
        await using var scene = await CrashScene.CreateAsync(PoolBackend.Overlay2, FileSystemKind.Ext4);
        var run = new CrashRun(scene, TestSettings.Seed ?? Random.Shared.Next());

        // Until one has left what only a merge leaves; each is followed by a look at all that there is.
        await run.RunAsync(() => run.Kills.Count == most || run.Kills.Any(kill => kill.Unanswered.Contains(CallKind.Flatten)) ? null : CallKind.Flatten);

        Report(run);
        Assert.Contains(run.Kills, kill => kill.Unanswered.Contains(CallKind.Flatten));
    }

    private static void Report(CrashRun run)
    {
        foreach (var (unanswered, left) in run.Kills)
            TestContext.Current.TestOutputHelper?.WriteLine($"killed in {string.Join(", ", unanswered)}; left in the pool: {left}");
    }
}
