using System.Text.Json.Nodes;
using Lamina.Cli;

namespace Lamina.Tests.Cli;

/// <summary>How a command line ended, run by the real parser in this process.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    /// <summary>The data as JSON.</summary>
    internal JsonNode Json => JsonNode.Parse(Out)!;

    /// <summary>The lines of the data.</summary>
    internal string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs <c>lamina</c> against a daemon.</summary>
    internal static Task<CliRun> RunAsync(TestDaemon daemon, params string[] arguments) => RunAsync(HostOf(daemon.AdminSocket), arguments);

    /// <summary>Runs <c>lamina</c> on a host of the test's making.</summary>
    internal static async Task<CliRun> RunAsync(CliHost host, params string[] arguments)
    {
        var exitCode = await LaminaCommand.RunAsync(arguments, host, CancellationToken.None);
        return new CliRun(exitCode, host.Out.ToString()!, host.Error.ToString()!);
    }

    /// <summary>Runs a command that must succeed, and answers its data without the last line feed.</summary>
    internal static async Task<string> OkAsync(TestDaemon daemon, params string[] arguments)
    {
        var run = await RunAsync(daemon, arguments);
        Assert.True(run.ExitCode == 0, $"lamina {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        return run.Out.TrimEnd('\n');
    }

    /// <summary>As the other, for data that is JSON.</summary>
    internal static async Task<JsonNode> JsonAsync(TestDaemon daemon, params string[] arguments) =>
        JsonNode.Parse(await OkAsync(daemon, [.. arguments, "-o", "json"]))!;

    /// <summary>Captured streams, nobody at the terminal, and a socket in the environment.</summary>
    internal static CliHost HostOf(string socket) => new()
    {
        In = TextReader.Null,
        Out = new StringWriter { NewLine = "\n" },
        Error = new StringWriter { NewLine = "\n" },
        Environment = name => name == "LAMINA_SOCKET" ? socket : null,
    };
}
