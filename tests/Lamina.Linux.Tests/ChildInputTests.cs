namespace Lamina.Linux.Tests;

/// <summary>What a command is given to read.</summary>
public sealed class ChildInputTests
{
    [Fact]
    public async Task Run_WithInput_GivesItAndEndsIt()
    {
        var result = await ChildProcess.RunAsync("cat", [], TestContext.Current.CancellationToken, "one line of pässword\n");

        Assert.Equal("one line of pässword\n", result.Output);
    }

    [Fact]
    public async Task Run_WithInputThatNobodyReads_IsAsTheCommandEnds()
    {
        var result = await ChildProcess.RunAsync("sh", ["-c", "exec <&-; exit 3"], TestContext.Current.CancellationToken, new string('x', 1 << 20));

        Assert.Equal(3, result.ExitCode);
    }

    // More than would be kept at once.
    [Fact]
    public async Task RunByLine_OfWhatWritesMuch_HandsOnEveryLine()
    {
        var (lines, characters) = (0, 0L);

        var result = await ChildProcess.RunByLineAsync(
            "sh", ["-c", "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -n 1000000; exit 3"],
            line => (lines, characters) = (lines + 1, characters + line.Length), TestContext.Current.CancellationToken);

        Assert.Equal((3, ""), (result.ExitCode, result.Output));
        Assert.Equal(1_000_000, lines);
        Assert.True(characters > ChildProcess.MaxOutput);
    }

    [Fact]
    public async Task Run_WithoutInput_HasNothingToRead() =>
        Assert.Equal("", (await ChildProcess.RunAsync("cat", [], TestContext.Current.CancellationToken)).Output);
}
