using System.Text.Json.Nodes;
using Lamina.Cli;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Tests.Cli;

public sealed class ProcessTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    // Somebody who may read the program wherever it lies, and nothing else.
    private static readonly string[] AsNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];

    [Fact]
    public async Task Version_AsProcess_PrintsIt()
    {
        var result = await RunAsync("version");

        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\n$", result.Output);
        Assert.Equal(result.Output, (await RunAsync("--version")).Output);
        Assert.Matches("""^{"version": "\d+\.\d+\.\d+"}\n$""", (await RunAsync("version", "-o", "json")).Output);
    }

    [Fact]
    public void Program_AsItIsBuilt_HasThreadsForOperationsThatBlock()
    {
        var properties = JsonNode.Parse(File.ReadAllText(LaminaProcess.Path + ".runtimeconfig.json"))!["runtimeOptions"]!["configProperties"]!;

        Assert.Equal(32, (int)properties["System.Threading.ThreadPool.MinThreads"]!);
    }

    [Fact]
    public async Task Commands_AsProcesses_TalkToTheDaemon()
    {
        Assert.Equal("process\n", (await RunAsync("--socket", daemon.AdminSocket, "volume", "create", "process")).Output);
        var list = await RunAsync("volume", "ls", "--socket", daemon.AdminSocket);
        Assert.Equal((0, ""), (list.ExitCode, list.Error));
        Assert.Contains("\nprocess  default", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', list.Output);
        Assert.Equal(3, (await RunAsync("volume", "rm", "nothing", "--socket", daemon.AdminSocket)).ExitCode);
    }

    [Fact]
    public async Task Commands_NotRoot_SayHowToBecomeIt()
    {
        // The socket is root's alone, and so is the directory it lies in on a host.
        var result = await ChildProcess.RunAsync(
            "setpriv", [.. AsNobody, LaminaProcess.Path, "pool", "ls", "--socket", daemon.AdminSocket], TestContext.Current.CancellationToken);

        Assert.Equal((int)ExitCode.NotPermitted, result.ExitCode);
        Assert.Contains("sudo lamina", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_NotRoot_SaysHowToBecomeIt()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("") with { IsRoot = false }, "serve");

        Assert.Equal((9, "lamina: the daemon mounts filesystems, which only root may do: sudo lamina serve\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Serve_AsAnotherUser_SaysHowToBecomeRootAndMakesNothing()
    {
        var root = TestScratch.NewDirectory("not-root");
        File.SetUnixFileMode(root, (UnixFileMode)0x1ff);

        var result = await ChildProcess.RunAsync(
            "setpriv",
            [.. AsNobody, LaminaProcess.Path, "serve", $"--runtimeDirectory={root}/run", $"--stateDirectory={root}/state", $"--configurationDirectory={root}/etc", $"--csi:endpoint=unix://{root}/csi.sock", "--metrics:address=none"],
            TestContext.Current.CancellationToken);

        Assert.Equal((9, "", "lamina: the daemon mounts filesystems, which only root may do: sudo lamina serve\n"), (result.ExitCode, result.Output, result.Error));
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
    }

    [Fact]
    public async Task Serve_Help_SaysWhereTheKeysAre()
    {
        var help = (await RunAsync("serve", "--help")).Output;

        Assert.Contains("'Configuration' in README.md", string.Join(' ', help.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("\n## Configuration\n", await File.ReadAllTextAsync(Repository.PathOf("README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_WrongConfiguration_NamesEveryError()
    {
        var result = await RunAsync("serve", "--metrics:address=nonsense", "--colour=red", "--pools:X:backend=floppy", "--pools:X:path=relative");

        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("lamina: the configuration is wrong:\n", result.Error, StringComparison.Ordinal);
        Assert.All(["unknown key 'colour'", "metrics:address is 'nonsense'", "'X' is not a pool name", "'floppy'", "'relative'"], part => Assert.Contains(part, result.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Serve_AsProcess_ServesUntilItIsTold()
    {
        var socket = Path.Combine(TestScratch.NewDirectory("serve"), "other.sock");
        await using var serving = new DaemonProcess("--socket", socket);
        await serving.StartAsync();

        var run = await CliRun.RunAsync(CliRun.HostOf(socket), "pool", "ls", "-o", "json");

        Assert.True((bool)run.Json[0]!["loaded"]!);
        Assert.Equal(0, await serving.StopAsync());
        Assert.Contains("Lamina is ready", serving.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_SocketOfALiveDaemon_IsRefused()
    {
        var root = TestScratch.NewDirectory("second");

        var result = await RunAsync("serve", "--socket", daemon.AdminSocket, $"--runtimeDirectory={root}/run", $"--stateDirectory={root}/state",
            $"--configurationDirectory={root}/etc", $"--csi:endpoint=unix://{root}/csi.sock", "--metrics:address=none");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"another daemon listens on {daemon.AdminSocket}", result.Error, StringComparison.Ordinal);
        await CliRun.OkAsync(daemon, "pool", "ls");
    }

    private static Task<ChildResult> RunAsync(params string[] arguments) => ChildProcess.RunAsync(LaminaProcess.Path, arguments, TestContext.Current.CancellationToken);
}
