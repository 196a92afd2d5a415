using System.CommandLine;
using System.Text.Json;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals)
    {
        var command = new Command("version", "Print the version of this program");
        command.SetAction(parse => host.Out.WriteLine(globals.IsJson(parse) ? $$"""{"version": {{JsonSerializer.Serialize(LaminaVersion.Text)}}}""" : LaminaVersion.Text));
        return command;
    }
}
