using System.CommandLine;
using System.Diagnostics;
using Grpc.Core;
using Lamina.Cli.Output;
using Lamina.Hosting;

namespace Lamina.Cli;

/// <summary>One run of a command: its connection, its output, its time.</summary>
internal sealed class Session : IDisposable
{
    private readonly CliHost _host;
    private readonly TimeSpan _timeout;
    private readonly CancellationToken _cancellationToken;
    private readonly Progress _progress;

    private Session(CliHost host, GlobalOptions globals, ParseResult parse, CancellationToken cancellationToken)
    {
        _host = host;
        _timeout = globals.TimeoutOf(parse);
        _cancellationToken = cancellationToken;
        _progress = new Progress(host);
        Parse = parse;
        Daemon = new DaemonConnection(globals.SocketOf(parse));
        Output = new CommandOutput(host, globals.IsJson(parse));
    }

    /// <summary>What was typed.</summary>
    internal ParseResult Parse { get; }

    /// <summary>The daemon.</summary>
    internal DaemonConnection Daemon { get; }

    /// <summary>Where results go.</summary>
    internal CommandOutput Output { get; }

    /// <summary>What every call is made with.</summary>
    internal CallOptions Call => new(Headers, deadline: _host.Time.GetUtcNow().UtcDateTime + _timeout, cancellationToken: _cancellationToken);

    /// <summary>Makes a command run in a session; what it throws becomes a message and an exit code.</summary>
    internal static void SetAction(Command command, CliHost host, GlobalOptions globals, Func<Session, Task> body) => command.SetAction(async (parse, cancellationToken) =>
    {
        if (ListenAddress.ProblemOf(globals.SocketOf(parse)) is { } problem)
        {
            CommandOutput.Error(host, $"--socket is '{globals.SocketOf(parse)}', {problem}");
            return (int)ExitCode.Usage;
        }
        using var session = new Session(host, globals, parse, cancellationToken);
        try
        {
            await body(session);
            return (int)ExitCode.Success;
        }
        catch (Exception e) when (session.Translate(e) is { } failure)
        {
            session.Output.Error(failure.Message);
            return (int)failure.Code;
        }
    });

    /// <summary>What an error means; null when it is a fault of ours.</summary>
    internal CommandFailure? Translate(Exception error) => Failures.Translate(error, _host, Daemon, _timeout, _cancellationToken);

    /// <summary>Waits for an answer, and shows that it does when it takes long.</summary>
    internal Task<T> WaitAsync<T>(string what, AsyncUnaryCall<T> call) => _progress.ShowAsync(what, call.ResponseAsync);

    /// <summary>Collects an answer that comes in pieces.</summary>
    internal Task<IReadOnlyList<T>> CollectAsync<T>(string what, AsyncServerStreamingCall<T> call) => _progress.ShowAsync(what, ReadAllAsync(call));

    /// <summary>Asks a person whether to go on; where nobody can be asked, the option that answers must have been given.</summary>
    /// <exception cref="CommandFailure">No.</exception>
    internal void Confirm(string question)
    {
        if (!_host.InIsTerminal)
            throw new CommandFailure(ExitCode.Usage, "there is nobody to ask: say --yes");
        _host.Error.Write($"{PlainText.Of(question)} [y/N] ");
        _host.Error.Flush();
        if (_host.In.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes"))
            throw new CommandFailure(ExitCode.Failed, "nothing was changed");
    }

    /// <inheritdoc/>
    public void Dispose() => Daemon.Dispose();

    // Whoever traces the script that runs this command sees the daemon's part too.
    private Metadata? Headers =>
        _host.Environment("TRACEPARENT") is { } parent && ActivityContext.TryParse(parent, null, out _) ? new Metadata { { "traceparent", parent } } : null;

    private async Task<IReadOnlyList<T>> ReadAllAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            var all = new List<T>();
            while (await call.ResponseStream.MoveNext(_cancellationToken))
                all.Add(call.ResponseStream.Current);
            return all;
        }
    }
}
