using Grpc.Core;

namespace Lamina.Csi;

/// <summary>One line per call: never whole requests, secrets or mount flags.</summary>
internal static partial class CsiLog
{
    [LoggerMessage(Message = "{Method} {Code} in {Milliseconds} ms: {Objects}")]
    public static partial void CallDone(this ILogger logger, LogLevel level, string method, StatusCode code, double milliseconds, string objects);

    [LoggerMessage(Message = "{Method} {Code} in {Milliseconds} ms: {Objects}: {Reason}")]
    public static partial void CallRefused(
        this ILogger logger, LogLevel level, string method, StatusCode code, double milliseconds, string objects, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Code} in {Milliseconds} ms: {Objects}")]
    public static partial void CallFailed(
        this ILogger logger, string method, StatusCode code, double milliseconds, string objects, Exception failure);
}
