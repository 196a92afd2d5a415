namespace Lamina.Metrics;

/// <summary>Messages about what can't be seen.</summary>
internal static partial class MetricsLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Metrics: {What} can't be looked at now: {Reason}")]
    public static partial void NotLookedAt(this ILogger logger, string what, string reason);
}
