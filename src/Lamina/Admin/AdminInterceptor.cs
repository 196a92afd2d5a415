using Grpc.Core;
using Grpc.Core.Interceptors;
using Lamina.Linux;
using Lamina.Metrics;
using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>Around every call of the admin door: logs it, measures it and translates what it throws. Nothing else in the door does either.</summary>
internal sealed class AdminInterceptor(OperationMetrics metrics, TimeProvider time, ILogger<AdminInterceptor> logger) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        TResponse? response = null;
        await RunAsync(context, async () => response = await continuation(request, context));
        return response!;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, () => continuation(request, responseStream, context));

    private async Task RunAsync(ServerCallContext context, Func<Task> call)
    {
        using var inFlight = metrics.Begin("admin");
        var start = time.GetTimestamp();
        try
        {
            await call();
            logger.CallAnswered(context.Method, time.GetElapsedTime(start));
            metrics.ObserveAdmin(context.Method, nameof(StatusCode.OK), time.GetElapsedTime(start));
        }
        catch (Exception e)
        {
            var failure = Translate(e, context, time.GetElapsedTime(start));
            metrics.ObserveAdmin(context.Method, failure.StatusCode.ToString(), time.GetElapsedTime(start));
            throw failure;
        }
    }

    private RpcException Translate(Exception error, ServerCallContext context, TimeSpan duration)
    {
        switch (error)
        {
            case StorageException known:
                logger.CallRefused(LevelOf(known.Error), context.Method, duration, known.Error, known.Message);
                return AdminErrors.ToRpcException(known.Error, known.Message);
            case OperationCanceledException or IOException when context.CancellationToken.IsCancellationRequested:
                logger.CallerLeft(context.Method, duration);
                return AdminErrors.ToRpcException(StorageError.Aborted, "the caller left");
            case LinuxException linux:
                logger.CallFailed(context.Method, duration, linux);
                return AdminErrors.ToRpcException(StorageError.Internal, linux.Message);
            default:
                logger.CallFailed(context.Method, duration, error);
                return AdminErrors.ToRpcException(
                    StorageError.Internal, $"an error that nobody foresaw ({error.GetType().Name}); the daemon's log has it in full");
        }
    }

    private static LogLevel LevelOf(StorageError error) => error switch
    {
        StorageError.Internal or StorageError.DataLoss => LogLevel.Error,
        StorageError.Unavailable or StorageError.ResourceExhausted => LogLevel.Warning,
        _ => LogLevel.Information,
    };
}
