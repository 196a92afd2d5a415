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

    [Fact]
    public async Task Run_WithoutInput_HasNothingToRead() =>
        Assert.Equal("", (await ChildProcess.RunAsync("cat", [], TestContext.Current.CancellationToken)).Output);
}
