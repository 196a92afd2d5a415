namespace Lamina.TestRun;

/// <summary>How one test ended.</summary>
internal sealed record TestResult(string Name, TimeSpan Duration, TestOutcome Outcome, string Message);
