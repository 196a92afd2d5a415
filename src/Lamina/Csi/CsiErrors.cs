using Grpc.Core;
using Lamina.Storage;

namespace Lamina.Csi;

/// <summary>The one table that says how CSI calls the domain's errors.</summary>
internal static class CsiErrors
{
    /// <summary>The code of a domain error.</summary>
    internal static StatusCode CodeOf(StorageError error) => error switch
    {
        StorageError.InvalidArgument => StatusCode.InvalidArgument,
        StorageError.NotFound => StatusCode.NotFound,
        StorageError.AlreadyExists => StatusCode.AlreadyExists,
        StorageError.FailedPrecondition => StatusCode.FailedPrecondition,
        StorageError.Aborted => StatusCode.Aborted,
        // What is not here is exhausted here, in CSI's words: the orchestrator tries another node on no other answer.
        StorageError.ResourceExhausted or StorageError.NotHere => StatusCode.ResourceExhausted,
        StorageError.OutOfRange => StatusCode.OutOfRange,
        StorageError.Unavailable => StatusCode.Unavailable,
        StorageError.Unsupported => StatusCode.Unimplemented,
        StorageError.DataLoss => StatusCode.DataLoss,
        _ => StatusCode.Internal,
    };

    /// <summary>What the caller is told of a failure.</summary>
    internal static Status StatusOf(Exception failure, string method) => failure switch
    {
        StorageException storage => new Status(CodeOf(storage.Error), storage.Message),
        // What the base classes of the services answer for an rpc that we don't have comes without a word.
        RpcException { StatusCode: StatusCode.Unimplemented } => new Status(
            StatusCode.Unimplemented, $"{method} is not offered here; the capabilities say what is"),
        RpcException rpc => rpc.Status,
        OperationCanceledException => new Status(StatusCode.Aborted, $"the caller's time ran out before {method} was done; call again"),
        _ => new Status(StatusCode.Internal, $"{method} failed in a way that nobody foresaw: {failure.Message}; the daemon's log has the details"),
    };
}
