using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;

namespace Lamina.TestRun;

/// <summary>One test program, run to its end, with what its report says.</summary>
internal sealed record TestProgramRun(string Name, TimeSpan Duration, bool ExitedCleanly, IReadOnlyList<TestResult> Tests)
{
    // Many times what the longest of them takes on a slow machine.
    private static readonly TimeSpan Limit = Environment.GetEnvironmentVariable("LAMINA_SOAK") == "1" || IsEmulated ? TimeSpan.FromHours(3) : TimeSpan.FromMinutes(30);
    private static readonly TimeSpan LastWords = TimeSpan.FromMinutes(1);

    // In the guest of `make test-guest`, which has a limit of its own.
    private static bool IsEmulated => Environment.GetEnvironmentVariable("TESTRUN_EMULATED") == "1";

    /// <summary>A program that crashed, or reported nothing, has failed whatever its tests say.</summary>
    internal bool Succeeded => ExitedCleanly && Tests.Count > 0 && Tests.All(test => test.Outcome != TestOutcome.Failed);

    internal static async Task<TestProgramRun> StartAsync(string path, string[] arguments)
    {
        var name = Path.GetFileName(path);
        var results = Path.Combine(Path.GetTempPath(), $"{name}-{Environment.ProcessId}");
        Console.WriteLine($"--- {name}");
        var start = new ProcessStartInfo(path) { WorkingDirectory = Path.GetDirectoryName(path)! };
        foreach (var argument in (string[])["--results-directory", results, "--report-xunit-xml", "--report-xunit-xml-filename", "report.xml", "--no-progress", .. arguments])
            start.ArgumentList.Add(argument);
        // Killed, it would leave its diagnostic sockets in the temporary directory.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        var watch = Stopwatch.StartNew();
#pragma warning disable RS0030 // The test programs are what this program is for; it needs their output live, not captured.
        using var process = Process.Start(start)!;
#pragma warning restore RS0030
        var ended = await EndsAsync(process);
        var report = Path.Combine(results, "report.xml");
        var tests = File.Exists(report) ? Read(XDocument.Load(report)) : [];
        if (File.Exists(report))
        {
            File.Delete(report);
            Directory.Delete(results);
        }
        return new TestProgramRun(name, watch.Elapsed, ended && process.ExitCode == 0, tests);
    }

    // A test that hangs must not hang whoever waits for the result. The program is asked first: it reports, and removes what it made.
    private static async Task<bool> EndsAsync(Process process)
    {
        if (await WaitAsync(process, Limit))
            return true;
        Console.WriteLine($"--- {process.ProcessName} has not ended within {Limit.TotalMinutes} minutes: a test hangs");
#pragma warning disable RS0030 // As above.
        using (var interrupt = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)])!)
#pragma warning restore RS0030
            await interrupt.WaitForExitAsync();
        if (!await WaitAsync(process, LastWords))
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        return false;
    }

    private static async Task<bool> WaitAsync(Process process, TimeSpan limit)
    {
        using var time = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(time.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static List<TestResult> Read(XDocument report) =>
        [.. report.Descendants("test").Select(test => new TestResult(
            (string)test.Attribute("name")!,
            TimeSpan.FromSeconds((double?)test.Attribute("time") ?? 0),
            (string?)test.Attribute("result") switch
            {
                "Pass" => TestOutcome.Passed,
                "Fail" => TestOutcome.Failed,
                _ => TestOutcome.Skipped,
            },
            (string?)test.Element("reason") ?? (string?)test.Element("failure")?.Element("message") ?? ""))];
}
