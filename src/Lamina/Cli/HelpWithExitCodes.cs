using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Lamina.Cli;

/// <summary>The help, and below that of the root the exit codes.</summary>
internal sealed class HelpWithExitCodes : SynchronousCommandLineAction
{
    private readonly HelpAction _help = new();

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var result = _help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is RootCommand)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Exit codes:");
            foreach (var (code, meaning) in ExitCodes.All)
                output.WriteLine($"  {(int)code,3}  {meaning}");
        }
        return result;
    }
}
