using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Lamina.Cli.Commands;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>The command <c>lamina</c>.</summary>
internal static class LaminaCommand
{
    // A name may begin with @, which would otherwise be a file with arguments.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs the command with the process's own streams.</summary>
    internal static Task<int> RunAsync(string[] arguments) => RunAsync(arguments, CliHost.OfProcess(), CancellationToken.None);

    /// <summary>Runs the command.</summary>
    internal static async Task<int> RunAsync(string[] arguments, CliHost host, CancellationToken cancellationToken)
    {
        var parse = Build(host).Parse(arguments.Length > 0 ? arguments : ["--help"], Parsing);
        if (parse.Action is ParseErrorAction)
            return (int)Refuse(parse, host);
        var invocation = new InvocationConfiguration { Output = host.Out, Error = host.Error, EnableDefaultExceptionHandler = false };
        // The daemon ends in its own way and its own time.
        if (parse.CommandResult.Command is ServeCommand)
            invocation.ProcessTerminationTimeout = null;
        return await parse.InvokeAsync(invocation, cancellationToken);
    }

    /// <summary>What could come next after the beginning of a command line.</summary>
    internal static IEnumerable<string> Complete(string line, CliHost host)
    {
        var parse = Build(host).Parse(line, Parsing);
        var word = line.Length == 0 || char.IsWhiteSpace(line[^1]) ? "" : parse.Tokens.LastOrDefault()?.Value ?? "";
        // After a word that is no command nothing is known any more; the one at the cursor may still become one.
        if (parse.UnmatchedTokens.Count > (word.Length > 0 ? 1 : 0))
            return [];
        return parse.GetCompletions(line.Length)
            .Select(item => item.InsertText ?? item.Label)
            // Options only when they are begun: they would hide the names.
            .Where(text => text.StartsWith(word, StringComparison.Ordinal) && (word.StartsWith('-') || !text.StartsWith('-')))
            .Distinct();
    }

    private static RootCommand Build(CliHost host)
    {
        var globals = new GlobalOptions(host);
        var names = new NameCompletion(globals);
        var root = new RootCommand("Lamina keeps volumes and gives them to containers, with snapshots that take no time.");
        foreach (var option in root.Options.Where(option => option is HelpOption).ToList())
            root.Options.Remove(option);
        root.Add(new HelpOption("--help", "-h") { Action = new HelpWithExitCodes() });
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        globals.AddTo(root);
        root.Add(new ServeCommand(host, globals));
        root.Add(PoolCommands.Build(host, globals, names));
        root.Add(VolumeCommands.Build(host, globals, names));
        root.Add(SnapshotCommands.Build(host, globals, names));
        root.Add(TopCommand.Build(host, globals));
        root.Add(DoctorCommand.Build(host, globals));
        root.Add(CompletionCommand.Build(host));
        root.Add(CompletionCommand.BuildComplete(host));
        root.Add(VersionCommand.Build(host, globals));
        return root;
    }

    private static ExitCode Refuse(ParseResult parse, CliHost host)
    {
        var command = parse.CommandResult.Command;
        var path = PathOf(parse.CommandResult);
        if (command.Subcommands.Count > 0)
        {
            var known = string.Join(", ", command.Subcommands.Where(sub => !sub.Hidden).Select(sub => sub.Name));
            CommandOutput.Error(host, parse.UnmatchedTokens.Count > 0
                ? $"there is no {(parse.UnmatchedTokens[0].StartsWith('-') ? "option" : "command")} '{path} {parse.UnmatchedTokens[0]}'; there are {known}"
                : $"say what to do: {path} and one of {known}");
        }
        else
        {
            // The parser lists what is allowed line by line.
            foreach (var error in parse.Errors.Select(error => string.Join(' ', error.Message.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries))).Distinct())
                CommandOutput.Error(host, char.ToLowerInvariant(error[0]) + error[1..].TrimEnd('.'));
        }
        host.Error.WriteLine($"See: {path} --help");
        return ExitCode.Usage;
    }

    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "lamina";
}
