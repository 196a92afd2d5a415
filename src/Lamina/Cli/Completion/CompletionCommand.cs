using System.CommandLine;

namespace Lamina.Cli.Completion;

/// <summary><c>lamina completion</c>, and the hidden command that its scripts call.</summary>
internal static class CompletionCommand
{
    /// <summary>Prints a shell's script.</summary>
    internal static Command Build(CliHost host)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish", HelpName = "bash|zsh|fish" };
        shell.AcceptOnlyFromAmong(CompletionScripts.Shells);
        var command = new Command("completion", "Print a script that completes lamina in a shell; in bash: source <(lamina completion bash)") { shell };
        command.SetAction(parse => host.Out.Write(CompletionScripts.Of(parse.GetRequiredValue(shell))));
        return command;
    }

    /// <summary>Prints what could come next.</summary>
    internal static Command BuildComplete(CliHost host)
    {
        var line = new Argument<string>("LINE") { Description = "The command line up to the cursor, without the command itself", HelpName = "LINE" };
        var command = new Command("complete", "Complete a command line") { line };
        command.Hidden = true;
        command.SetAction(parse =>
        {
            foreach (var candidate in LaminaCommand.Complete(parse.GetRequiredValue(line), host).Where(text => !text.Contains('\n', StringComparison.Ordinal)))
                host.Out.WriteLine(candidate);
        });
        return command;
    }
}
