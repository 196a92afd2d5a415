using System.CommandLine;
using System.CommandLine.Invocation;

namespace Lamina.Cli;

/// <summary><c>lamina --version</c>: the same as <c>lamina version</c>.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(LaminaVersion.Text);
        return (int)ExitCode.Success;
    }
}
