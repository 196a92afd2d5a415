using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>The messages of the daemon's start and stop.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Lamina is ready")]
    public static partial void Ready(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopping: waiting for {Count} running operations; mounts stay")]
    public static partial void WaitingForOperations(this ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The daemon can't go on: {Service} failed: {Reason}")]
    public static partial void CannotGoOn(this ILogger logger, string service, string reason, Exception? unforeseen);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stopping though {Count} operations still run: it took too long to wait for them; they are cut off like by a crash, and nothing is lost")]
    public static partial void OperationsLeft(this ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What pods, engines and incomplete groups have left can't be looked at now, and is tried again: {Reason}")]
    public static partial void NotTidied(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Reason}")]
    public static partial void WatcherNotStarted(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded default pool is made at {Path}")]
    public static partial void EmbeddedPoolMade(this ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded default pool can't be made; make one elsewhere (lamina pool init): {Reason}")]
    public static partial void EmbeddedPoolNotMade(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded pool at {Path} was made before pools were configured, and is served beside them as '{Pool}'")]
    public static partial void EmbeddedPoolBeside(this ILogger logger, string path, PoolName pool);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pool of bind volumes is made at {Path}")]
    public static partial void BindPoolMade(this ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "The pool of bind volumes can't be made: {Reason}")]
    public static partial void BindPoolNotMade(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening: Docker and Podman on {Socket}")]
    public static partial void ListeningForDocker(this ILogger logger, string socket);

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening: CSI on {Csi}, command line on {Admin}, metrics on {Metrics}")]
    public static partial void Listening(this ILogger logger, string csi, string admin, string metrics);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volumes can't be attached: {Problem}. {Advice}")]
    public static partial void MountsUnseen(this ILogger logger, string problem, string advice);
}
