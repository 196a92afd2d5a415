using System.Diagnostics;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>A daemon that is killed at any moment of a restore in place: the volume is as it was or as the snapshot is, and its state before is not lost.</summary>
public sealed class KilledRestoreTests
{
    private const int Rounds = 5;

    [Theory]
    [InlineData(FileSystemKind.Ext4)]
    [InlineData(FileSystemKind.Btrfs)]
    public async Task RestoreInPlace_KilledAtAnyMoment_HasDoneAllOrNothing(FileSystemKind kind)
    {
        await using var disk = await LoopDisk.CreateAsync(kind);
        await using var daemon = new DaemonProcess(kind == FileSystemKind.Btrfs ? CsiPools.Btrfs("pool", disk) : CsiPools.OverlayAt("pool", disk.NewDirectory("pool")));
        await daemon.StartAsync();
        string[] images = kind == FileSystemKind.Ext4 ? ["--fs", "ext4", "--size", "32Mi"] : [];
        string[] volumes = ["directory", .. images.Length > 0 ? ["image"] : Array.Empty<string>()];
        foreach (var volume in volumes)
        {
            await OkAsync(daemon, ["volume", "create", volume, .. volume == "image" ? images : []]);
            await WriteAsync(daemon, volume, "0");
            await OkAsync(daemon, "snapshot", "create", volume, $"{volume}-0");
        }

        var watch = Stopwatch.StartNew();
        await Task.WhenAll(volumes.Select(volume => OkAsync(daemon, "snapshot", "restore", "--in-place", $"{volume}-0")));
        var undisturbed = watch.Elapsed;
        var (kept, undone) = (0, 0);
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var volume in volumes)
                await WriteAsync(daemon, volume, $"{round}");
            var restores = volumes.Select(volume => Task.Run(() => RunAsync(daemon, "snapshot", "restore", "--in-place", $"{volume}-0"))).ToList();
            // From soon to when it is over, however slow the machine.
            await Task.WhenAny(Task.WhenAll(restores), Task.Delay(round < Rounds ? undisturbed * round / Rounds : Timeout.InfiniteTimeSpan));
            daemon.Kill();
            var answered = await Task.WhenAll(restores);
            await daemon.StartAsync();

            foreach (var (volume, answer) in volumes.Zip(answered))
            {
                var content = await ReadAsync(daemon, volume);
                Assert.True(content == "0" || (answer.ExitCode != 0 && content == $"{round}"), $"{volume} in round {round}: '{content}' after {answer.ExitCode} {answer.Error}");
                (kept, undone) = content == "0" ? (kept, undone + 1) : (kept + 1, undone);
                if (content != "0")
                    continue;
                var before = (await RunAsync(daemon, "snapshot", "ls", volume, "-o", "json")).Json.AsArray().Select(one => (string)one!["name"]!).Where(name => name != $"{volume}-0").Order(StringComparer.Ordinal).Last();
                await OkAsync(daemon, "snapshot", "restore", before, "undone");
                Assert.Equal($"{round}", await ReadAsync(daemon, "undone"));
                await OkAsync(daemon, "volume", "rm", "undone");
            }
        }
        Assert.True(undone > 0, $"no restore was ever done ({kept} were not)");
        Assert.Empty(daemon.Faults());
    }

    private static async Task WriteAsync(DaemonProcess daemon, string volume, string content)
    {
        var path = await OkAsync(daemon, "volume", "attach", volume);
        await File.WriteAllTextAsync(Path.Combine(path, "file"), content);
        await OkAsync(daemon, "volume", "detach", volume);
    }

    private static async Task<string> ReadAsync(DaemonProcess daemon, string volume)
    {
        var path = await OkAsync(daemon, "volume", "attach", volume);
        var content = await File.ReadAllTextAsync(Path.Combine(path, "file"));
        await OkAsync(daemon, "volume", "detach", volume);
        return content;
    }

    private static Task<CliRun> RunAsync(DaemonProcess daemon, params string[] arguments) => CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), arguments);

    private static async Task<string> OkAsync(DaemonProcess daemon, params string[] arguments)
    {
        var run = await RunAsync(daemon, arguments);
        Assert.True(run.ExitCode == 0, $"lamina {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        return run.Out.TrimEnd('\n');
    }
}
