using System.Globalization;

namespace Lamina.TestRun;

/// <summary>What a person wants to know of a whole run: what failed and why, where the time went, and the count.</summary>
internal static class Summary
{
    private const int SlowestShown = 20;
    private const int MessageShown = 2000;

    internal static void Print(IReadOnlyList<TestProgramRun> runs)
    {
        var tests = runs.SelectMany(run => run.Tests).ToList();
        Console.WriteLine();
        Console.WriteLine("Slowest tests:");
        foreach (var test in tests.OrderByDescending(test => test.Duration).Take(SlowestShown))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {test.Duration.TotalSeconds,7:0.00} s  {test.Name}"));

        Console.WriteLine();
        foreach (var run in runs)
        {
            var counts = $"{Count(run.Tests, TestOutcome.Passed)} passed, {Count(run.Tests, TestOutcome.Failed)} failed, {Count(run.Tests, TestOutcome.Skipped)} skipped";
            var end = run.ExitedCleanly ? "" : run.Tests.Count == 0 ? "; it ended without a report" : "; it exited with an error";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {run.Duration.TotalMinutes,5:0.0} min  {run.Name}: {counts}{end}"));
        }

        foreach (var test in tests.Where(test => test.Outcome == TestOutcome.Skipped))
            Console.WriteLine($"SKIPPED {test.Name}: {test.Message}");
        foreach (var test in tests.Where(test => test.Outcome == TestOutcome.Failed))
            Console.WriteLine($"FAILED  {test.Name}: {Shortened(test.Message)}");

        // A program that ended badly although each of its tests passed is one failure more.
        var broken = runs.Count(run => !run.Succeeded && Count(run.Tests, TestOutcome.Failed) == 0);
        Console.WriteLine();
        Console.WriteLine($"{Count(tests, TestOutcome.Passed)} passed, {Count(tests, TestOutcome.Failed) + broken} failed, {Count(tests, TestOutcome.Skipped)} skipped");
    }

    // Where only the log of a run is left, the message is all there is to go by; its end is where a program says why it gave up.
    private static string Shortened(string message) =>
        message.Length <= MessageShown ? message.TrimEnd() : $"{message[..(MessageShown / 2)]}\n[...]\n{message[^(MessageShown / 2)..].TrimEnd()}";

    private static int Count(IEnumerable<TestResult> tests, TestOutcome outcome) => tests.Count(test => test.Outcome == outcome);
}
