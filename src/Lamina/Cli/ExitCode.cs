namespace Lamina.Cli;

/// <summary>How <c>lamina</c> ends, for scripts. The numbers never change; <c>lamina --help</c> lists them.</summary>
internal enum ExitCode
{
    /// <summary>It is done.</summary>
    Success = 0,

    /// <summary>It failed in a way that has no number of its own; <c>doctor</c> found something that is needed and missing.</summary>
    Failed = 1,

    /// <summary>The command line is wrong, or a value in it.</summary>
    Usage = 2,

    /// <summary>There is no such volume, snapshot or pool.</summary>
    NotFound = 3,

    /// <summary>The name is taken by something else.</summary>
    AlreadyExists = 4,

    /// <summary>It is in use, or not in the state that this needs.</summary>
    FailedPrecondition = 5,

    /// <summary>There is no room.</summary>
    NoRoom = 6,

    /// <summary>The daemon can't be reached or is starting, or the pool is not available.</summary>
    Unavailable = 7,

    /// <summary>The time ran out, or another operation is running; the same command may be given again.</summary>
    TimedOut = 8,

    /// <summary>Only root may do this.</summary>
    NotPermitted = 9,

    /// <summary>Ctrl-C.</summary>
    Interrupted = 130,
}
