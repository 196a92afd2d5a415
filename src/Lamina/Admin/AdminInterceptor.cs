using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Operations;

namespace Lamina.Admin;

/// <summary>Around every call of the admin door: logs it, measures it and translates what it throws. Nothing else in the door does either.</summary>
internal sealed class AdminInterceptor(OperationMetrics metrics, TimeProvider time, ILogger<AdminInterceptor> logger) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        TResponse? response = null;
        await RunAsync(request, context, async () => response = await continuation(request, context));
        return response!;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(request, context, () => continuation(request, responseStream, context));

    private async Task RunAsync(object request, ServerCallContext context, Func<Task> call)
    {
        using var inFlight = metrics.Begin("admin");
        using var scope = CallScope.Begin(logger, context.Method, context.RequestHeaders.GetValue("traceparent"), context.RequestHeaders.GetValue("tracestate"));
        var start = time.GetTimestamp();
        var objects = LoggedIds.Of((IMessage)request);
        try
        {
            await call();
            logger.CallAnswered(Reads(context.Method) ? LogLevel.Debug : LogLevel.Information, context.Method, time.GetElapsedTime(start), objects);
            Count(nameof(StatusCode.OK));
        }
        catch (Exception e)
        {
            var failure = Translate(e, context, time.GetElapsedTime(start), objects);
            Count(failure.StatusCode.ToString());
            throw failure;
        }

        void Count(string code)
        {
            scope.End(code);
            metrics.ObserveAdmin(context.Method, code, time.GetElapsedTime(start));
        }
    }

    // Nothing changes by them, and monitors ask often.
    private static bool Reads(string method) => method[(method.LastIndexOf('/') + 1)..] is "List" or "Inspect" or "Get" or "Check";

    private RpcException Translate(Exception error, ServerCallContext context, TimeSpan duration, string objects)
    {
        switch (error)
        {
            case StorageException known:
                logger.CallRefused(LevelOf(known.Error), context.Method, duration, known.Error, objects, known.Message);
                return AdminErrors.ToRpcException(known.Error, known.Message);
            case OperationCanceledException or IOException when context.CancellationToken.IsCancellationRequested:
                logger.CallerLeft(context.Method, duration, objects);
                return AdminErrors.ToRpcException(StorageError.Aborted, "the caller left");
            case LinuxException linux:
                logger.CallFailed(context.Method, duration, objects, linux);
                return AdminErrors.ToRpcException(StorageError.Internal, linux.Message);
            default:
                logger.CallFailed(context.Method, duration, objects, error);
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
