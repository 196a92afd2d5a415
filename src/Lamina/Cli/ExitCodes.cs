using Lamina.Storage;

namespace Lamina.Cli;

/// <summary>The domain's failures as exit codes, and the exit codes in words.</summary>
internal static class ExitCodes
{
    /// <summary>Every code with what it means, for the help.</summary>
    internal static readonly IReadOnlyList<(ExitCode Code, string Meaning)> All =
    [
        (ExitCode.Success, "done"),
        (ExitCode.Failed, "failed; doctor: something that is needed is missing"),
        (ExitCode.Usage, "the command line, or a value in it, is wrong"),
        (ExitCode.NotFound, "no such volume, snapshot or pool"),
        (ExitCode.AlreadyExists, "the name is taken by something else"),
        (ExitCode.FailedPrecondition, "in use, or not in the state that this needs"),
        (ExitCode.NoRoom, "no room"),
        (ExitCode.Unavailable, "the daemon can't be reached, or the pool is not available"),
        (ExitCode.TimedOut, "timed out, or another operation is running; try again"),
        (ExitCode.NotPermitted, "only root may do this"),
        (ExitCode.Interrupted, "interrupted"),
    ];

    /// <summary>The exit code of a failure.</summary>
    internal static ExitCode Of(StorageError error) => error switch
    {
        StorageError.InvalidArgument or StorageError.OutOfRange => ExitCode.Usage,
        StorageError.NotFound => ExitCode.NotFound,
        StorageError.AlreadyExists => ExitCode.AlreadyExists,
        StorageError.FailedPrecondition or StorageError.Unsupported => ExitCode.FailedPrecondition,
        StorageError.ResourceExhausted => ExitCode.NoRoom,
        StorageError.Unavailable or StorageError.NotHere => ExitCode.Unavailable,
        StorageError.Aborted => ExitCode.TimedOut,
        _ => ExitCode.Failed,
    };
}
