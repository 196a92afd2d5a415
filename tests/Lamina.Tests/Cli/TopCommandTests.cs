using Lamina.Cli;
using Lamina.Storage.Operations;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

public sealed class TopCommandTests
{
    [Fact]
    public async Task Top_WhileAVolumeGrows_ShowsPoolsAndHowFast()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await CliRun.OkAsync(daemon, "volume", "create", "still", "--size", "1Mi");
        await CliRun.OkAsync(daemon, "volume", "create", "data", "--size", "64Mi", "--fs", "ext4");
        var path = await CliRun.OkAsync(daemon, "volume", "attach", "data");
        using var end = new CancellationTokenSource();
        var grow = Task.Run(async () =>
        {
            for (var number = 0; number < 30 && !end.IsCancellationRequested; number++)
            {
                await using var file = new FileStream(Path.Combine(path, $"{number}"), FileMode.Create);
                await file.WriteAsync(new byte[1 << 20]);
                file.Flush(flushToDisk: true);
                await Task.Delay(50);
            }
        });

        var shown = await CliRun.OkAsync(daemon, "top", "--count", "3", "--interval", "500ms");
        await end.CancelAsync();
        await grow;

        Assert.Equal(3, shown.Split("POOL     BACKEND").Length - 1);
        var last = shown[shown.LastIndexOf("VOLUME", StringComparison.Ordinal)..].Split('\n');
        // What grows stands before what does not.
        Assert.Matches(@"^data +default +64Mi +\S+ +\d+% +[1-9]\S*/s +\S+/s +[1-9]\S*/s +\d+% +1 +0 +cli$", last[1]);
        Assert.StartsWith("still ", last[2], StringComparison.Ordinal);
        Assert.Matches(@"^still +default +1Mi +\S+ +\S+ +\S+ +- +- +- +0 +0 +cli$", last[2]);
        Assert.Contains(last, line => System.Text.RegularExpressions.Regex.IsMatch(line, @"^cli +Volumes/Create +OK +2 +0 +- +\d+(\.\d)? ms$"));
        Assert.DoesNotContain(last, line => line.Contains("Calls/Get", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Top_OfADaemonThatCountsNoCalls_GoesOnWithoutThem()
    {
        await using var daemon = await FakeDaemon.StartOfOnePoolAsync();

        var run = await CliRun.RunAsync(CliRun.HostOf(daemon.Socket), "top");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith("POOL ", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("METHOD", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Top_WhileSomethingIsUnderWay_SaysWhatAndHowFarItIs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var begun = new TaskCompletionSource();
        var ends = new TaskCompletionSource();
        var running = daemon.Services.GetRequiredService<OperationRunner>().RunAsync("restore volume 'large'", [], async () =>
        {
            begun.SetResult();
            await ends.Task;
        }, CancellationToken.None);
        await begun.Task;

        var shown = await CliRun.OkAsync(daemon, "top");

        ends.SetResult();
        await running;
        Assert.Matches(@"UNDER WAY +FOR +COPIED\nrestore volume 'large' +\d+s +-$", shown);
        Assert.DoesNotContain("UNDER WAY", await CliRun.OkAsync(daemon, "top"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Top_OnceOrOnATerminal_EndsAsItShould()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Assert.StartsWith("POOL ", await CliRun.OkAsync(daemon, "top"), StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, (await CliRun.RunAsync(daemon, "top", "--interval", "soon")).ExitCode);

        var host = CliRun.HostOf(daemon.AdminSocket) with { OutIsTerminal = true };
        using var end = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        Assert.Equal(0, await LaminaCommand.RunAsync(["top", "--interval", "10ms"], host, end.Token));
        Assert.StartsWith("\e[H\e[J", host.Out.ToString()!, StringComparison.Ordinal);
        Assert.Equal("", host.Error.ToString());
    }
}
