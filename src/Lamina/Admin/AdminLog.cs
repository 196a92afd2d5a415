using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>The messages of the admin door: a caller's mistake is information, a fault of ours an error.</summary>
internal static partial class AdminLog
{
    [LoggerMessage(Message = "{Method} is answered after {Duration}: {Objects}")]
    public static partial void CallAnswered(this ILogger logger, LogLevel level, string method, TimeSpan duration, string objects);

    [LoggerMessage(Message = "{Method} is refused after {Duration}, {Error}: {Objects}: {Reason}")]
    public static partial void CallRefused(this ILogger logger, LogLevel level, string method, TimeSpan duration, StorageError error, string objects, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method}: the caller left after {Duration}: {Objects}")]
    public static partial void CallerLeft(this ILogger logger, string method, TimeSpan duration, string objects);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed after {Duration}: {Objects}")]
    public static partial void CallFailed(this ILogger logger, string method, TimeSpan duration, string objects, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pool {Pool} is made at {Path} and configured in {File}")]
    public static partial void PoolMade(this ILogger logger, PoolName pool, string path, string? file);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Pool {Pool} at {Path} is not served now, and may lie on a disk that is missing: it stays configured, in {File}. If there never was one, remove that file")]
    public static partial void EmbeddedPoolKept(this ILogger logger, PoolName pool, string path, string file);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pool {Pool} is forgotten: its objects are unknown from now on")]
    public static partial void PoolForgotten(this ILogger logger, PoolId pool);
}
