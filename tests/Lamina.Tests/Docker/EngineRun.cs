using Lamina.Linux;

namespace Lamina.Tests.Docker;

/// <summary>How a command of an engine ended.</summary>
internal sealed record EngineRun(int ExitCode, string Out, string Error)
{
    // An engine that hangs is a failure, and no reason to wait for long.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a command.</summary>
    internal static async Task<EngineRun> RunAsync(string file, params IReadOnlyList<string> arguments)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        var result = await ChildProcess.RunAsync(file, arguments, limit.Token);
        return new EngineRun(result.ExitCode, result.Output, result.Error);
    }

    /// <summary>What it said, when it has succeeded.</summary>
    internal string OutOf(string what)
    {
        Assert.True(ExitCode == 0, $"{what} ended with {ExitCode}: {Error}{Out}");
        return Out.TrimEnd('\n');
    }

    /// <summary>What it complained of, when it has not.</summary>
    internal string ErrorOf(string what)
    {
        Assert.True(ExitCode != 0, $"{what} should have failed, but said: {Out}");
        return Error.TrimEnd('\n');
    }
}
