using System.Text.Json;
using Lamina.Hosting;
using Lamina.Metrics;
using Lamina.Storage;
using Lamina.Storage.Operations;

namespace Lamina.Docker;

/// <summary>
/// What every call has in common: reading the body, the engine's patience, the answer to failures, one line in the log and one observation of its
/// duration.
/// </summary>
internal sealed class DockerCalls(OperationMetrics metrics, TimeProvider time, ILogger<DockerCalls> logger)
{
    // Names and options are short; nobody has more to say.
    private const int MaxBody = 64 * 1024;

    private const string Get = "VolumeDriver.Get";

    // Docker repeats a call whose connection broke, and has nothing left to send.
    private const string CutOff = "the call says neither for which volume nor what: the daemon ended in the middle of it, and the engine repeats such a call without its content; do it once more";

    private static readonly HashSet<string> s_withoutBody = ["Plugin.Activate", "VolumeDriver.Capabilities", "VolumeDriver.List"];

    // Docker itself waits 120 seconds for Create and Mount and 60 for all else. It is told before that what it waits for.
    private static readonly TimeSpan s_longPatience = TimeSpan.FromSeconds(110);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(50);

    /// <summary>Answers one call.</summary>
    internal async Task AnswerAsync(HttpContext context, string method, DriverCall call)
    {
        using var inFlight = metrics.Begin("docker");
        using var scope = CallScope.Begin(logger, method, context.Request.Headers.TraceParent, context.Request.Headers.TraceState);
        var started = time.GetTimestamp();
        var request = new DriverRequest();
        DriverResponse response;
        try
        {
            var body = await ReadAsync(context.Request);
            request = (body ?? request) with { Engine = Engines.Of(context.Request, body ?? request) };
            if (body is null && !s_withoutBody.Contains(method))
                throw new StorageException(StorageError.Aborted, CutOff);
            // Podman often does not wait for an answer, which is no reason not to do what it asked for.
            using var patience = new CancellationTokenSource(method is "VolumeDriver.Create" or "VolumeDriver.Mount" ? s_longPatience : s_patience, time);
            response = await call(request, patience.Token);
            scope.End("OK");
            Report(method, request, started, null);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !context.RequestAborted.IsCancellationRequested)
        {
            scope.End(((failure as StorageException)?.Error ?? StorageError.Internal).ToString());
            Report(method, request, started, failure);
            if (request.Engine == Engines.Docker && method == Get && !SaysThatThereIsNone(failure))
            {
                context.Abort();
                return;
            }
            response = new DriverResponse { Err = MessageOf(failure, method) };
            // The one status with which all engines look at what is said.
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
        context.Response.ContentType = "application/vnd.docker.plugins.v1.1+json";
        var answer = JsonSerializer.SerializeToUtf8Bytes(response, DriverJson.Default.DriverResponse);
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }

    // Docker takes any answer but a volume for "there is no such volume", forgets the labels of it and which containers have it, and would let it be removed
    // under them. Only of a connection that breaks it concludes nothing; the log has what it was.
    private static bool SaysThatThereIsNone(Exception failure) => failure is StorageException { Error: StorageError.NotFound or StorageError.InvalidArgument };

    // Docker names no content type, and some calls come without a body: then null.
    private static async Task<DriverRequest?> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0)
        {
            if (body.Length + read > MaxBody)
                throw new StorageException(StorageError.InvalidArgument, $"the request has more than {MaxBody} bytes");
            body.Write(buffer, 0, read);
        }
        var json = body.ToArray().AsSpan().Trim(" \r\n\t"u8);
        if (json.IsEmpty)
            return null;
        try
        {
            return JsonSerializer.Deserialize(json, DriverJson.Default.DriverRequest) ?? new DriverRequest();
        }
        catch (JsonException e)
        {
            throw new StorageException(StorageError.InvalidArgument, $"the request is not what the volume plugin API says: {e.Message}", e);
        }
    }

    private static string MessageOf(Exception failure, string method) =>
        failure is StorageException ? failure.Message : $"{method} failed in a way that nobody foresaw: {failure.Message}; the daemon's log has the details";

    private void Report(string method, DriverRequest request, long started, Exception? failure)
    {
        var duration = time.GetElapsedTime(started);
        var error = (failure as StorageException)?.Error;
        metrics.ObserveDocker(method, failure is null ? "OK" : (error ?? StorageError.Internal).ToString(), duration);
        var (volume, id) = (LoggedText.Clean(request.Name ?? "-"), LoggedText.Clean(request.ID ?? ""));
        switch (error)
        {
            case null when failure is null:
                logger.CallDone(Reads(method) ? LogLevel.Debug : LogLevel.Information, method, duration.TotalMilliseconds, volume, id);
                break;
            case null or StorageError.Internal or StorageError.DataLoss:
                logger.CallFailed(method, duration.TotalMilliseconds, volume, id, failure!);
                break;
            case StorageError.Unavailable or StorageError.ResourceExhausted:
                logger.CallRefused(LogLevel.Warning, method, error.Value.ToString(), duration.TotalMilliseconds, volume, id, LoggedText.Clean(failure!.Message));
                break;
            // Asked before every create.
            case StorageError.NotFound when Reads(method):
                logger.CallRefused(LogLevel.Debug, method, error.Value.ToString(), duration.TotalMilliseconds, volume, id, LoggedText.Clean(failure!.Message));
                break;
            default:
                logger.CallRefused(LogLevel.Information, method, error.Value.ToString(), duration.TotalMilliseconds, volume, id, LoggedText.Clean(failure!.Message));
                break;
        }
    }

    private static bool Reads(string method) => method is "Plugin.Activate" or "VolumeDriver.Capabilities" or "VolumeDriver.Get" or "VolumeDriver.List" or "VolumeDriver.Path";
}
