using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>The kernel is asked whether a head is in use only where it may be: each question leaves a line in its log.</summary>
public sealed class NeverMountedTests
{
    private const int Attempts = 50;

    [Fact]
    public async Task Delete_OfAVolumeThatWasNeverAttached_AsksTheKernelNothing()
    {
        await using var storage = await ScratchStorage.StartAsync(TestScratch.NewDirectory("pool"));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = await LastQuestionAsync();
            await storage.Volumes.DeleteAsync((await storage.CreateAsync("a")).Id, CancellationToken.None);
            await Eventually.TrueAsync(() => IsEmpty(storage, "trash") && IsEmpty(storage, "layers"), "the trash is empty");
            // Others may ask at the same time, but not always.
            if (await LastQuestionAsync() == before)
                return;
        }
        Assert.Fail($"in {Attempts} attempts the kernel was asked each time");
    }

    [Fact]
    public async Task Delete_OfAVolumeThatWasAttached_AsksTheKernel()
    {
        await using var storage = await ScratchStorage.StartAsync(TestScratch.NewDirectory("pool"));
        var volume = await storage.CreateAsync("a");
        await storage.UseAsync(volume, _ => { });
        var before = await LastQuestionAsync();

        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);

        Assert.NotEqual(before, await LastQuestionAsync());
    }

    [Fact]
    public async Task Delete_OfAVolumeOfAnEarlierDaemon_AsksTheKernel()
    {
        await using var storage = await ScratchStorage.StartAsync(TestScratch.NewDirectory("pool"));
        var volume = await storage.CreateAsync("a");
        await storage.StartAgainAsync();
        var before = await LastQuestionAsync();

        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);

        Assert.NotEqual(before, await LastQuestionAsync());
    }

    private static bool IsEmpty(ScratchStorage storage, string part) => !Directory.EnumerateFileSystemEntries(Path.Combine(storage.Settings.Path, part)).Any();

    // With its time.
    private static async Task<string?> LastQuestionAsync()
    {
        var log = await ChildProcess.RunAsync("dmesg", [], TestContext.Current.CancellationToken);
        Assert.Equal(0, log.ExitCode);
        return log.Output.Split('\n').LastOrDefault(line => line.Contains("overlayfs: workdir and upperdir must", StringComparison.Ordinal));
    }
}
