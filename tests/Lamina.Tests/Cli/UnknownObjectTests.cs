namespace Lamina.Tests.Cli;

/// <summary>Whatever is named and not there ends with 3, by name and by id, so that a script can tell it from a mistake.</summary>
public sealed class UnknownObjectTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Theory]
    [InlineData("there is no pool 'nope'; there are default", "volume", "create", "v", "--pool", "nope")]
    [InlineData("there is no pool 'nope'; there are default", "volume", "create", "v", "--param", "pool=nope")]
    [InlineData("there is no pool 'nope'; there are default", "volume", "ls", "--pool", "nope")]
    [InlineData("there is no pool 'nope'; there are default", "pool", "inspect", "nope")]
    [InlineData("there is no volume 'nope', and no snapshot of one", "snapshot", "ls", "nope")]
    [InlineData("there is no volume 'nope', and nothing that was made from one", "snapshot", "tree", "nope")]
    public async Task Command_WithAnUnknownName_EndsWithThree(string message, params string[] arguments) => await AssertThreeAsync(message, arguments);

    [Theory]
    [InlineData("and no snapshot of one", "ls")]
    [InlineData("and nothing that was made from one", "tree")]
    public async Task Snapshots_OfAnUnknownId_EndWithThree(string message, string command)
    {
        var pool = (string?)(await CliRun.JsonAsync(daemon, "pool", "inspect", "default"))["id"];

        await AssertThreeAsync($"there is no volume '{pool}.nope', {message}", "snapshot", command, $"{pool}.nope");

        // Of a pool that isn't here nothing is known.
        Assert.Equal(7, (await CliRun.RunAsync(daemon, "snapshot", command, "aaaaaaaaaaaaa.nope")).ExitCode);
    }

    [Fact]
    public async Task Snapshots_OfAnIdThatIsThereOrHasLeftSome_AreListed()
    {
        var id = (string)(await CliRun.JsonAsync(daemon, "volume", "create", "kept"))["id"]!;
        Assert.Empty((await CliRun.JsonAsync(daemon, "snapshot", "ls", id)).AsArray());
        await CliRun.OkAsync(daemon, "snapshot", "create", "kept", "left");
        await CliRun.OkAsync(daemon, "volume", "rm", "kept");

        Assert.Equal("left", (string?)Assert.Single((await CliRun.JsonAsync(daemon, "snapshot", "ls", id)).AsArray())!["name"]);
        Assert.Contains("left", await CliRun.OkAsync(daemon, "snapshot", "tree", id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pool_OfBindVolumesThatAreSwitchedOff_IsAValueThatIsNotAllowed()
    {
        var run = await CliRun.RunAsync(daemon, "volume", "create", "v", "--pool", "bind", "--param", "source=/data");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("bindRoots", run.Error, StringComparison.Ordinal);
    }

    private async Task AssertThreeAsync(string message, params string[] arguments)
    {
        var run = await CliRun.RunAsync(daemon, arguments);

        Assert.Equal((3, "", $"lamina: {message}\n"), (run.ExitCode, run.Out, run.Error));
    }
}
