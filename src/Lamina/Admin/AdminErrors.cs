using Grpc.Core;
using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>The domain's failures in gRPC's terms, and their own name beside it, so that a client need not guess back.</summary>
internal static class AdminErrors
{
    /// <summary>The trailer that carries the name of the <see cref="StorageError"/>.</summary>
    internal const string Trailer = "lamina-error";

    /// <summary>The answer to a call that failed.</summary>
    internal static RpcException ToRpcException(StorageError error, string message) =>
        new(new Status(CodeOf(error), message), new Metadata { { Trailer, error.ToString() } });

    /// <summary>The status code of a failure.</summary>
    internal static StatusCode CodeOf(StorageError error) => error switch
    {
        StorageError.InvalidArgument => StatusCode.InvalidArgument,
        StorageError.NotFound => StatusCode.NotFound,
        StorageError.AlreadyExists => StatusCode.AlreadyExists,
        StorageError.FailedPrecondition => StatusCode.FailedPrecondition,
        StorageError.Aborted => StatusCode.Aborted,
        StorageError.ResourceExhausted or StorageError.NotHere => StatusCode.ResourceExhausted,
        StorageError.OutOfRange => StatusCode.OutOfRange,
        StorageError.Unavailable => StatusCode.Unavailable,
        StorageError.Unsupported => StatusCode.Unimplemented,
        StorageError.DataLoss => StatusCode.DataLoss,
        _ => StatusCode.Internal,
    };
}
