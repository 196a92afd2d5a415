using System.CommandLine;

namespace Lamina.Cli;

/// <summary>The options that every command takes.</summary>
internal sealed class GlobalOptions
{
    /// <summary>Where the daemon listens when nobody says otherwise.</summary>
    internal const string DefaultSocket = "/run/lamina/admin.sock";

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);
    private readonly CliHost _host;

    internal GlobalOptions(CliHost host) => _host = host;

    /// <summary>The daemon's socket.</summary>
    internal Option<string?> Socket { get; } = new("--socket")
    {
        Description = $"The daemon's admin socket [env: LAMINA_SOCKET; default: {DefaultSocket}]",
        HelpName = "PATH",
        Recursive = true,
    };

    /// <summary>For people or for programs.</summary>
    internal Option<string?> Output { get; } = NewOutput();

    /// <summary>How long to wait.</summary>
    internal Option<TimeSpan?> Timeout { get; } = Values.Duration("--timeout", "How long to wait for the daemon, such as 30s or 5m [default: 5m]", recursive: true);

    /// <summary>Adds them to the root.</summary>
    internal void AddTo(Command root)
    {
        root.Add(Socket);
        root.Add(Output);
        root.Add(Timeout);
    }

    /// <summary>The socket that is meant.</summary>
    internal string SocketOf(ParseResult parse) =>
        parse.GetValue(Socket) ?? (_host.Environment("LAMINA_SOCKET") is { Length: > 0 } socket ? socket : DefaultSocket);

    /// <summary>Whether the output is for programs.</summary>
    internal bool IsJson(ParseResult parse) => parse.GetValue(Output) == "json";

    /// <summary>How long to wait.</summary>
    internal TimeSpan TimeoutOf(ParseResult parse) => parse.GetValue(Timeout) ?? DefaultTimeout;

    private static Option<string?> NewOutput()
    {
        var option = new Option<string?>("--output", "-o")
        {
            Description = "table for people, json for programs [default: table]",
            HelpName = "table|json",
            Recursive = true,
        };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }
}
