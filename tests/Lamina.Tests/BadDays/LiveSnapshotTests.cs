using System.Globalization;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>A volume that is published and written to is snapshotted through the real daemon.</summary>
public sealed class LiveSnapshotTests
{
    // Each number goes to a before it goes to d, and to d before the next one goes to a. Nothing is flushed.
    private const string Writer = """
        cd "$1"; n=0
        while n=$((n + 1)); do
            printf %08d $n 1<>a; printf %08d $n 1<>d
            [ $n != 1 ] || echo ready
        done
        """;

    [Fact]
    public async Task Snapshot_OfAPublishedVolumeUnderWrites_HoldsOneMomentAndTellsThePause()
    {
        // The machine may be busy with anything; what a pause may take is tested where it is set.
        await using var daemon = await CsiDaemon.StartAsync([.. PoolPlace.Make("live").Arguments, "--pools:live:default=true", "--pools:live:maxPause=00:01:00"]);
        var volume = (await daemon.CreateAsync("written", size: 1 << 30)).VolumeId;
        var staging = await daemon.StageAsync(volume);
        var target = await daemon.PublishAsync(volume, staging);
        using (await WorkloadProcess.StartProgramAsync("bash", "-c", Writer, "bash", target))
        {
            var byCsi = await daemon.SnapshotAsync(volume, "by-csi");
            var last = Number(target, "a");
            await Eventually.TrueAsync(() => Number(target, "a") > last, "the writer goes on");

            var byCli = await CliRun.RunAsync(daemon.Daemon, "snapshot", "create", "written", "by-cli");
            Assert.Equal((0, "by-cli\n"), (byCli.ExitCode, byCli.Out));
            Assert.Matches(@"^The volume's writers stood still for [0-9.]+m?s\.\n$", byCli.Error);
            last = Number(target, "a");
            await Eventually.TrueAsync(() => Number(target, "a") > last, "the writer goes on");

            await AssertOneMomentAsync(daemon, byCsi.SnapshotId);
            await AssertOneMomentAsync(daemon, (string)(await CliRun.JsonAsync(daemon.Daemon, "snapshot", "ls", "written"))[0]!["id"]!);
        }
        var listed = await CliRun.JsonAsync(daemon.Daemon, "snapshot", "ls", "written");
        Assert.Equal(2, listed.AsArray().Count);
        Assert.All(listed.AsArray(), snapshot => Assert.True((double)snapshot!["pauseSeconds"]! > 0));
        await daemon.UnpublishAsync(volume, target);
        await daemon.UnstageAsync(volume, staging);
    }

    private static async Task AssertOneMomentAsync(CsiDaemon daemon, string snapshot)
    {
        var restored = (await daemon.CreateAsync(size: null, source: Requests.FromSnapshot(snapshot))).VolumeId;
        await daemon.UseAsync(restored, path => Assert.InRange(Number(path, "a") - Number(path, "d"), 0, 1));
    }

    private static int Number(string directory, string name) => int.Parse(File.ReadAllText(Path.Combine(directory, name)), CultureInfo.InvariantCulture);
}
