using System.Diagnostics;
using System.Xml.Linq;

namespace Lamina.TestRun;

/// <summary>One test program, run to its end, with what its report says.</summary>
internal sealed record TestProgramRun(string Name, TimeSpan Duration, bool ExitedCleanly, IReadOnlyList<TestResult> Tests)
{
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
        var watch = Stopwatch.StartNew();
#pragma warning disable RS0030 // The test programs are what this program is for; it needs their output live, not captured.
        using var process = Process.Start(start)!;
#pragma warning restore RS0030
        await process.WaitForExitAsync();
        var report = Path.Combine(results, "report.xml");
        var tests = File.Exists(report) ? Read(XDocument.Load(report)) : [];
        if (File.Exists(report))
        {
            File.Delete(report);
            Directory.Delete(results);
        }
        return new TestProgramRun(name, watch.Elapsed, process.ExitCode == 0, tests);
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
