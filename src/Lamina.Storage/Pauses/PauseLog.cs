using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pauses;

/// <summary>Messages about stopped writers. None is written while they are stopped: the log's reader could be one of them.</summary>
internal static partial class PauseLog
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "{Name}: {Processes} processes and {Cgroups} cgroups that may write stood still for {Pause}")]
    public static partial void WritersReleased(this ILogger logger, string name, int processes, int cgroups, TimeSpan pause);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Name}: the filesystem was frozen for {Pause}")]
    public static partial void FileSystemThawed(this ILogger logger, string name, TimeSpan pause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name}: the writers stood still for {Pause}, as long as they may, and were let go before the cut was done")]
    public static partial void PauseTooLong(this ILogger logger, string name, TimeSpan pause);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name}: {What} could not be let go, and stays stopped until the daemon is started again: {Reason}")]
    public static partial void ReleaseFailed(this ILogger logger, string name, string what, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pause {Name} was left by a daemon that died; whom it stopped goes on now")]
    public static partial void LeftoverReleased(this ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "The marker of the pause {Name} can't be read, or its daemon still runs; what it stopped may stand still")]
    public static partial void LeftoverKept(this ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pause watcher runs as process {Pid}")]
    public static partial void WatcherStarted(this ILogger logger, int pid);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pause watcher, process {Pid}, has ended; another one is started")]
    public static partial void WatcherGone(this ILogger logger, int pid);
}
