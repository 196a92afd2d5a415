using System.Net.Sockets;
using Grpc.Core;
using Lamina.Admin;
using Lamina.Storage;

namespace Lamina.Cli;

/// <summary>What a call that failed means for the person at the terminal and for the script.</summary>
internal static class Failures
{
    /// <summary>Translates; null when the error is none that a command expects.</summary>
    internal static CommandFailure? Translate(
        Exception error, CliHost host, DaemonConnection connection, TimeSpan timeout, CancellationToken cancellationToken) => error switch
    {
        CommandFailure failure => failure,
        StorageException storage => new CommandFailure(ExitCodes.Of(storage.Error), storage.Message),
        _ when cancellationToken.IsCancellationRequested =>
            new CommandFailure(ExitCode.Interrupted, "interrupted; what the daemon has begun it finishes, and the same command finds the result"),
        RpcException rpc when System.Enum.TryParse<StorageError>(rpc.Trailers.GetValue(AdminErrors.Trailer), out var known) =>
            new CommandFailure(ExitCodes.Of(known), rpc.Status.Detail),
        RpcException { StatusCode: StatusCode.DeadlineExceeded } =>
            new CommandFailure(
                ExitCode.TimedOut,
                $"no answer within {Duration.Span(timeout)}; what the daemon has begun it finishes, and the same command finds the result"),
        RpcException when connection.ConnectError is { } connect => NotReachable(connect, host, connection.Socket),
        RpcException { StatusCode: StatusCode.Unavailable } rpc =>
            new CommandFailure(ExitCode.Unavailable, $"the connection to the daemon at {connection.Socket} broke: {rpc.Status.Detail}"),
        RpcException { StatusCode: StatusCode.Unimplemented } =>
            new CommandFailure(
                ExitCode.Failed,
                $"the daemon at {connection.Socket} does not know this command: it is of another version; see lamina version, and restart the daemon"),
        RpcException rpc => new CommandFailure(ExitCode.Failed, $"the daemon at {connection.Socket} answered {rpc.StatusCode}: {rpc.Status.Detail}"),
        _ => null,
    };

    /// <summary>Why the daemon can't be reached, and what to do.</summary>
    internal static CommandFailure NotReachable(SocketException error, CliHost host, string socket) => error.SocketErrorCode switch
    {
        SocketError.AccessDenied => new CommandFailure(ExitCode.NotPermitted, $"only root may use {socket}; {AsRoot}"),
        // Without the right to look into /run/lamina a missing socket and a closed door look the same.
        _ when !host.IsRoot && !File.Exists(socket) =>
            new CommandFailure(ExitCode.NotPermitted, $"there is no daemon at {socket}, or only root may see it; {AsRoot}"),
        SocketError.ConnectionRefused => new CommandFailure(ExitCode.Unavailable, $"no daemon listens at {socket} any more; {StartIt}"),
        _ => new CommandFailure(ExitCode.Unavailable, $"there is no daemon at {socket}; {StartIt}"),
    };

    /// <summary>What somebody who is not root does.</summary>
    internal const string AsRoot = "run as root: sudo lamina ...";

    private const string StartIt = "start it: systemctl start lamina, or: lamina serve";
}
