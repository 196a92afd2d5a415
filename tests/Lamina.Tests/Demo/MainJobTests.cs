using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Demo;

/// <summary><c>deploy/demo/main-job.sh</c>, which is <c>make run</c>, as it is: with a real PostgreSQL under load, of a size that takes seconds.</summary>
public sealed class MainJobTests
{
    private const string Rows = "pgbench_accounts has 100000 rows";

    [Fact]
    public async Task MainJob_OnAHostWithoutADaemon_BringsTheRowsBackAndLeavesNothing()
    {
        RequirePostgres();
        var root = TestScratch.NewDirectory("main-job");

        var result = await RunAsync(root, $"exec {MainJob} < /dev/null", [
            $"LAMINA_RUNTIMEDIRECTORY={root}/run", $"LAMINA_STATEDIRECTORY={root}/state", $"LAMINA_CONFIGURATIONDIRECTORY={root}/etc",
            $"CSI_ENDPOINT=unix://{root}/run/csi.sock", $"LAMINA_SOCKET={root}/run/admin.sock", "LAMINA_METRICS__ADDRESS=127.0.0.1:0"]);

        Assert.True(result.ExitCode == 0, $"it ended with {result.ExitCode}:\n{result.Output}\n{result.Error}");
        AssertTold(result.Output);
        Assert.Matches(@"(?m)^Metrics: http://127\.0\.0\.1:[1-9]\d*/metrics", result.Output);
        Assert.DoesNotContain('\u001b', result.Output);
        Assert.Empty(MountTable.Read().Beneath(root));
        Assert.Empty(ProcessesOf(root));
        // The pool stays, empty, and nothing else does: no socket, no mount point, no holder, no file of PostgreSQL's.
        string[] kept = ["pool.json", "lock"];
        Assert.DoesNotContain(Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories), file => !kept.Contains(Path.GetFileName(file)));
        Assert.All(
            ["volumes", "snapshots", "layers", "trash", "incoming"],
            name => Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(root, "state", "pools", "default", name))));
        Assert.DoesNotContain(Directory.EnumerateDirectories(root, "*", SearchOption.AllDirectories), path => path.Contains("demo", StringComparison.Ordinal));
    }

    // On a terminal it waits for Ctrl-C, and somebody who is impatient presses it more than once.
    [Fact]
    public async Task MainJob_AtATerminalBesideADaemon_EndsWellByCtrlCAndLeavesWhatIsTheUsers()
    {
        RequirePostgres();
        await using var daemon = await TestDaemon.StartAsync();
        var root = TestScratch.NewDirectory("main-job");
        await CliRun.OkAsync(daemon, "volume", "create", "demo-db");
        var path = await CliRun.OkAsync(daemon, "volume", "attach", "demo-db");
        await File.WriteAllTextAsync(Path.Combine(path, "file"), "the user's");
        await CliRun.OkAsync(daemon, "volume", "create", "demo-db-restored");
        await CliRun.OkAsync(daemon, "snapshot", "create", "demo-db", "demo-before-accident");
        var before = await IdsAsync(daemon);

        var result = await RunAsync(root,
            $$"""
            out={{root}}/out; touch $out
            press() {
                until grep -q 'In another terminal' $out || [ -e {{root}}/ended ]; do sleep 0.1; done
                for _ in 1 2 3; do printf '\003'; sleep 0.3; done
                until [ -e {{root}}/ended ]; do sleep 0.1; done
            }
            press | { script -qefc 'exec {{MainJob}}' $out > /dev/null; code=$?; touch {{root}}/ended; exit $code; }
            """,
            [$"LAMINA_SOCKET={daemon.AdminSocket}"]);

        var output = await File.ReadAllTextAsync(Path.Combine(root, "out"));
        Assert.True(result.ExitCode == 0, $"it ended with {result.ExitCode}:\n{output}\n{result.Error}");
        AssertTold(output);
        Assert.Contains("A daemon is running already; it is used and left alone.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", output, StringComparison.Ordinal);
        Assert.Equal(before, await IdsAsync(daemon));
        Assert.Equal("the user's", await File.ReadAllTextAsync(Path.Combine(path, "file")));
        Assert.Single(MountTable.Read().Beneath(daemon.RuntimeDirectory));
        Assert.Empty(ProcessesOf(root));
        Assert.Empty(Directory.GetDirectories(root));
    }

    internal static string MainJob => $"'{Repository.PathOf("deploy/demo/main-job.sh")}' '{LaminaProcess.Path}'";

    internal static void RequirePostgres() => Requirements.Met(Directory.Exists("/usr/lib/postgresql"), "needs a PostgreSQL server of the package postgresql");

    internal static Task<ChildResult> RunAsync(string root, string script, string[] environment) =>
        ChildProcess.RunAsync("env", [$"TMPDIR={root}", "DEMO_SCALE=1", .. environment, "bash", "-c", script], TestContext.Current.CancellationToken);

    internal static void AssertTold(string output)
    {
        Assert.Contains($"{Rows} again", output, StringComparison.Ordinal);
        Assert.Contains("Nothing that was committed is missing, and the books balance.", output, StringComparison.Ordinal);
        Assert.Matches("(?s)lamina volume create.*lamina volume attach.*lamina snapshot create.*lamina snapshot restore.*lamina snapshot tree", output);
    }

    // With holders, sources and sizes, but without what is measured now and then.
    private static async Task<string> IdsAsync(TestDaemon daemon)
    {
        var volumes = await CliRun.JsonAsync(daemon, "volume", "ls");
        var snapshots = await CliRun.JsonAsync(daemon, "snapshot", "ls");
        return string.Join('\n', volumes.AsArray().Select(volume => $"{volume!["id"]} {volume["holders"]} {volume["path"]}").Concat(snapshots.AsArray().Select(snapshot => $"{snapshot!["id"]} {snapshot["volume"]}")));
    }

    // By their arguments or their environment; a process that ends meanwhile has neither, and one that even root may not look into is none of these.
    internal static IEnumerable<string> ProcessesOf(string root) => Directory.EnumerateDirectories("/proc")
        .Where(process => Path.GetFileName(process).All(char.IsAsciiDigit))
        .Where(process => TextOf(process, "cmdline").Contains(root, StringComparison.Ordinal) || TextOf(process, "environ").Contains(root, StringComparison.Ordinal));

    private static string TextOf(string process, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
