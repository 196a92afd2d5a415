using System.CommandLine;
using Lamina.Cli.Output;
using Lamina.Hosting;
using Lamina.Storage;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina serve</c>: the daemon itself. What follows is its configuration.</summary>
internal sealed class ServeCommand : Command
{
    internal ServeCommand(CliHost host, GlobalOptions globals)
        : base("serve", "Run the daemon in the foreground; what follows overrides its configuration: --metrics:address=none --pools:fast:path=/fast")
    {
        TreatUnmatchedTokensAsErrors = false;
        SetAction((parse, cancellationToken) => RunAsync(host, ArgumentsOf(parse, globals), cancellationToken));
    }

    private static async Task<int> RunAsync(CliHost host, string[] arguments, CancellationToken cancellationToken)
    {
        if (!host.IsRoot)
        {
            CommandOutput.Error(host, "the daemon mounts filesystems, which only root may do: sudo lamina serve");
            return (int)ExitCode.NotPermitted;
        }
        try
        {
            await Daemon.RunAsync(arguments, cancellationToken);
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

    // The socket that every command takes is here the one to listen on.
    private static string[] ArgumentsOf(ParseResult parse, GlobalOptions globals) =>
        parse.GetValue(globals.Socket) is { } socket ? [.. parse.UnmatchedTokens, $"--admin:socket={socket}"] : [.. parse.UnmatchedTokens];
}
