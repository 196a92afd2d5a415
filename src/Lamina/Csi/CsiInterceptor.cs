using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Lamina.Csi.Requests;
using Lamina.Hosting;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Operations;

namespace Lamina.Csi;

/// <summary>
/// What every call has in common: the limits of requests, the caller's patience, the translation of errors, one line in the log and one
/// observation of its duration.
/// </summary>
internal sealed class CsiInterceptor(OperationMetrics metrics, RefusalNotices refusals, TimeProvider time, ILogger<CsiInterceptor> logger) : Interceptor
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
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(request, context, () => continuation(request, responseStream, context));

    private async Task RunAsync(object request, ServerCallContext context, Func<Task> call)
    {
        var started = time.GetTimestamp();
        using var inFlight = metrics.Begin("csi");
        using var scope = CallScope.Begin(logger, context.Method, context.RequestHeaders.GetValue("traceparent"), context.RequestHeaders.GetValue("tracestate"));
        using var patience = new CallPatience(context, time);
        try
        {
            RequestLimits.Check((IMessage)request);
            await call();
            scope.End(nameof(StatusCode.OK));
            Report(request, context, StatusCode.OK, started, null);
        }
        catch (Exception failure)
        {
            var status = CsiErrors.StatusOf(failure, NameOf(context));
            scope.End(status.StatusCode.ToString());
            Report(request, context, status.StatusCode, started, failure);
            refusals.Report((IMessage)request, failure);
            throw new RpcException(status);
        }
    }

    private static string NameOf(ServerCallContext context) => context.Method[(context.Method.LastIndexOf('/') + 1)..];

    private void Report(object request, ServerCallContext context, StatusCode code, long started, Exception? failure)
    {
        var duration = time.GetElapsedTime(started);
        metrics.Observe(context.Method, code.ToString(), duration);
        var method = NameOf(context);
        var objects = LoggedIds.Of((IMessage)request);
        switch (code)
        {
            case StatusCode.OK:
                logger.CallDone(Reads(method) ? LogLevel.Debug : LogLevel.Information, method, code, duration.TotalMilliseconds, objects);
                break;
            case StatusCode.Internal or StatusCode.Unknown or StatusCode.DataLoss:
                logger.CallFailed(method, code, duration.TotalMilliseconds, objects, failure!);
                break;
            // Such a refusal quotes the request, of which mount flags may be a part: the reason is for the caller alone.
            case StatusCode.InvalidArgument:
                logger.CallDone(LogLevel.Information, method, code, duration.TotalMilliseconds, objects);
                break;
            // No fault of the caller, and none that this call has found: whoever did has logged an error.
            case StatusCode.Unavailable or StatusCode.ResourceExhausted:
                logger.CallRefused(LogLevel.Warning, method, code, duration.TotalMilliseconds, objects, LoggedText.Clean(ReasonOf(failure)));
                break;
            default:
                logger.CallRefused(LogLevel.Information, method, code, duration.TotalMilliseconds, objects, LoggedText.Clean(ReasonOf(failure)));
                break;
        }
    }

    private static string ReasonOf(Exception? failure) => failure is StorageException storage ? storage.Message : "";

    // Asked every few seconds by probes and monitors; what changes something is worth a line.
    private static bool Reads(string method) =>
        method.Contains("Get", StringComparison.Ordinal) || method.StartsWith("List", StringComparison.Ordinal) || method is "Probe" or "ValidateVolumeCapabilities";
}
