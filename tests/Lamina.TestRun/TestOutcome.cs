namespace Lamina.TestRun;

internal enum TestOutcome
{
    Passed,
    Failed,
    Skipped,
}
