using System.Globalization;
using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Exceptions;

namespace Lamina.Cluster;

/// <summary>What went wrong with a request to the API server.</summary>
/// <param name="Code">What it answered; null: nothing, or nothing that could be read.</param>
/// <param name="Reason">In words.</param>
/// <param name="RetryAfter">How long it wants us to wait; null: it does not say.</param>
internal sealed record ClusterFailure(HttpStatusCode? Code, string Reason, TimeSpan? RetryAfter)
{
    private const int MaxReason = 300;

    /// <summary>Whether the same request may work later: there was no answer, or one that speaks of the server and not of the request.</summary>
    internal bool MayPass => Code is null or HttpStatusCode.Unauthorized or HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests or HttpStatusCode.Gone
        || (int)Code >= 500;

    /// <summary>What an exception of a request tells; null for one that nobody foresaw.</summary>
    internal static ClusterFailure? Of(Exception exception) => exception switch
    {
        HttpOperationException { Response: { } response } refused => new(
            response.StatusCode, Clean($"{(int)response.StatusCode} {response.StatusCode}: {MessageIn(response.Content) ?? refused.Message}"), RetryAfterOf(response)),
        KubernetesException { Status: { } status } => new(status.Code is { } code ? (HttpStatusCode)code : null, Clean($"{status.Code} {status.Reason}: {status.Message}"), null),
        HttpRequestException { StatusCode: { } code } refused => new(code, Clean(refused.Message), null),
        OperationCanceledException or TimeoutException => new(null, "there was no answer in time", null),
        HttpRequestException or IOException or JsonException or KubernetesException or KubernetesClientException or KubeConfigException or HttpOperationException
            or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException => new(null, Clean(exception.GetBaseException().Message), null),
        _ => null,
    };

    // The server's answer is an object with the reason in it.
    private static string? MessageIn(string? content)
    {
        try
        {
            return content is { Length: > 0 } && JsonDocument.Parse(content).RootElement is { ValueKind: JsonValueKind.Object } status
                && status.TryGetProperty("message", out var message) ? message.ToString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static TimeSpan? RetryAfterOf(HttpResponseMessageWrapper response) =>
        response.Headers.TryGetValue("Retry-After", out var values) && int.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds) : null;

    private static string Clean(string text) => Hosting.LoggedText.Clean(text.Length > MaxReason ? text[..MaxReason] + "…" : text);
}
