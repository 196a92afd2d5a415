using System.CommandLine;
using Lamina.Cli.Output;
using Lamina.Hosting;
using Lamina.Storage;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina serve</c>: the daemon itself. What follows is its configuration.</summary>
internal sealed class ServeCommand : Command
{
    internal ServeCommand(CliHost host, GlobalOptions globals)
        : base("serve", "Run the daemon in the foreground; what follows overrides its configuration: --docker --metrics:address=none --pools:fast:path=/fast. "
            + "Every key is listed under 'Configuration' in README.md; those of the file (/etc/lamina/lamina.json) are the same")
    {
        TreatUnmatchedTokensAsErrors = false;
        SetAction((parse, cancellationToken) => RunAsync(host, parse, globals, cancellationToken));
    }

    private static async Task<int> RunAsync(CliHost host, ParseResult parse, GlobalOptions globals, CancellationToken cancellationToken)
    {
        if (!host.IsRoot)
        {
            CommandOutput.Error(host, "the daemon mounts filesystems, which only root may do: sudo lamina serve");
            return (int)ExitCode.NotPermitted;
        }
        if (Misplaced(parse, globals) is { Count: > 0 } misplaced)
        {
            CommandOutput.Error(host, $"serve takes configuration, such as --metrics:address=none, and not {string.Join(", ", misplaced.Select(token => $"'{token}'"))}");
            return (int)ExitCode.Usage;
        }
        try
        {
            await Daemon.RunAsync(ArgumentsOf(parse, globals), cancellationToken);
            return (int)ExitCode.Success;
        }
        catch (ConfigurationException e)
        {
            CommandOutput.Error(host, e.Message);
            return (int)ExitCode.Usage;
        }
        catch (StorageException e)
        {
            CommandOutput.Error(host, e.Message);
            return (int)ExitCodes.Of(e.Error);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            CommandOutput.Error(host, e.Message);
            return (int)ExitCode.Failed;
        }
    }

    // The configuration would pass over these in silence: bare words, short options, keys without a value, and what only other commands have.
    private static List<string> Misplaced(ParseResult parse, GlobalOptions globals)
    {
        var misplaced = ((Option[])[globals.Output, globals.Timeout]).Where(option => parse.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToList();
        var tokens = TokensOf(parse);
        for (var index = 0; index < tokens.Count; index++)
        {
            var token = tokens[index];
            var isKey = token.Length > 2 && token.StartsWith("--", StringComparison.Ordinal);
            if (isKey && token.Contains('='))
                continue;
            // As in --key value.
            if (isKey && index + 1 < tokens.Count && !tokens[index + 1].StartsWith('-'))
                index++;
            else
                misplaced.Add(token);
        }
        return misplaced;
    }

    // The socket that every command takes is here the one to listen on.
    private static string[] ArgumentsOf(ParseResult parse, GlobalOptions globals) =>
        parse.GetValue(globals.Socket) is { } socket ? [.. TokensOf(parse), $"--admin:socket={socket}"] : [.. TokensOf(parse)];

    // The one word of its own. No option to the parser, which would take --docker:socket=... for it.
    private static List<string> TokensOf(ParseResult parse) => [.. parse.UnmatchedTokens.Select(token => token == "--docker" ? "--docker:enabled=true" : token)];
}
