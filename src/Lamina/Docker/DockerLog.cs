namespace Lamina.Docker;

/// <summary>One line per call.</summary>
internal static partial class DockerLog
{
    [LoggerMessage(Message = "{Method} OK in {Milliseconds} ms: {Volume} {Id}")]
    public static partial void CallDone(this ILogger logger, LogLevel level, string method, double milliseconds, string volume, string id);

    [LoggerMessage(Message = "{Method} {Error} in {Milliseconds} ms: {Volume} {Id}: {Reason}")]
    public static partial void CallRefused(this ILogger logger, LogLevel level, string method, string error, double milliseconds, string volume, string id, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed in {Milliseconds} ms: {Volume} {Id}")]
    public static partial void CallFailed(this ILogger logger, string method, double milliseconds, string volume, string id, Exception failure);
}
