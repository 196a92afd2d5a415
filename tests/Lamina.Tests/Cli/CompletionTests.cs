using Lamina.Linux;

namespace Lamina.Tests.Cli;

public sealed class CompletionTests(TestDaemon daemon) : IClassFixture<TestDaemon>, IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "data");
        await CliRun.OkAsync(daemon, "volume", "create", "database");
        await CliRun.OkAsync(daemon, "volume", "create", "$(touch evil) x");
        await CliRun.OkAsync(daemon, "snapshot", "create", "data", "daily");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData("vol", "volume")]
    [InlineData("volume ", "attach clone create detach inspect ls modify resize rm")]
    [InlineData("volume at", "attach")]
    [InlineData("volume attach ", "$(touch evil) x|data|database")]
    [InlineData("volume attach datab", "database")]
    [InlineData("volume rm data datab", "database")]
    [InlineData("volume create x --from ", "daily")]
    [InlineData("volume create x --clone da", "data|database")]
    [InlineData("volume create x --pool ", "default")]
    [InlineData("snapshot restore d", "daily")]
    [InlineData("snapshot create data", "data|database")]
    [InlineData("pool inspect ", "default")]
    [InlineData("volume create x --si", "--size")]
    [InlineData("volume ls -o ", "json table")]
    [InlineData("completion z", "zsh")]
    [InlineData("", "completion doctor pool serve snapshot top version volume")]
    [InlineData("nonsense ", "")]
    public async Task Complete_BeginOfALine_OffersWhatCouldCome(string line, string expected)
    {
        var candidates = (await CliRun.OkAsync(daemon, "complete", "--", line)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(expected.Split(expected.Contains('|', StringComparison.Ordinal) ? '|' : ' ', StringSplitOptions.RemoveEmptyEntries), candidates);
    }

    [Fact]
    public async Task Complete_WithoutDaemon_OffersNoNames()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("/nowhere/admin.sock"), "complete", "--", "volume rm ");

        Assert.Equal((0, "", ""), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task Complete_SocketOnTheLine_AsksThatDaemon()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("/nowhere/admin.sock"), "complete", "--", $"--socket {daemon.AdminSocket} volume rm datab");

        Assert.Equal("database\n", run.Out);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _lamina lamina")]
    [InlineData("zsh", "#compdef lamina")]
    [InlineData("fish", "complete -c lamina")]
    public async Task Script_OfShell_IsPrinted(string shell, string line) =>
        Assert.Contains(line, await CliRun.OkAsync(daemon, "completion", shell), StringComparison.Ordinal);

    [Fact]
    public async Task Script_OfUnknownShell_IsTwo() => Assert.Equal(2, (await CliRun.RunAsync(daemon, "completion", "cmd")).ExitCode);

    [Theory]
    [InlineData("lamina volume rm datab", "database")]
    [InlineData("lamina volume attach ", @"\$\(touch\ evil\)\ x data database")]
    [InlineData("lamina sna", "snapshot")]
    public async Task Bash_WithTheScript_CompletesAndEvaluatesNothing(string line, string expected)
    {
        // Called by a path that has the word in it before.
        var installed = Directory.CreateDirectory(Path.Combine(daemon.Root, "lamina", "bin")).FullName;
        if (!File.Exists(Path.Combine(installed, "lamina")))
            File.CreateSymbolicLink(Path.Combine(installed, "lamina"), LaminaProcess.Path);
        line = Path.Combine(installed, line);
        var words = line.Split(' ');
        var directory = Path.Combine(daemon.Root, "bash");
        Directory.CreateDirectory(directory);
        var program = $"""
            cd '{directory}'; export LAMINA_SOCKET='{daemon.AdminSocket}'
            source <('{LaminaProcess.Path}' completion bash)
            COMP_LINE='{line}'; COMP_POINT={line.Length}; COMP_WORDS=({string.Join(' ', words.Select(word => $"'{word}'"))}); COMP_CWORD={words.Length - 1}
            _lamina
            echo "$(IFS=' '; echo "${"{COMPREPLY[*]}"}")"
            """;

        // Who presses Tab gets nothing from a daemon that does not answer in time, and presses it again.
        var result = await ChildProcess.RunAsync("bash", ["-c", program], TestContext.Current.CancellationToken);
        for (var presses = 1; presses < 10 && result is { ExitCode: 0, Output: "\n" }; presses++)
            result = await ChildProcess.RunAsync("bash", ["-c", program], TestContext.Current.CancellationToken);

        Assert.Equal((0, expected + "\n", ""), (result.ExitCode, result.Output, result.Error));
        Assert.Empty(Directory.GetFileSystemEntries(directory));
    }
}
