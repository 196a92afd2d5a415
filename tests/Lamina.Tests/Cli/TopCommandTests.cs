using Lamina.Cli;

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
        Assert.Matches(@"^data +default +64Mi +\S+ +\d+% +[1-9]\S*/s +1 +0 +cli$", last[1]);
        Assert.StartsWith("still ", last[2], StringComparison.Ordinal);
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
