using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Lamina.Tests.Docker;

/// <summary>Speaks to the volume plugin API as Docker does: no content type, an empty Host, one request a connection.</summary>
internal static class DriverClient
{
    /// <summary>Makes a call that must succeed.</summary>
    internal static async Task<JsonNode> OkAsync(string socket, string method, string body = "{}", string host = "")
    {
        var (status, answer) = await CallAsync(socket, method, body, host);
        Assert.True(status == HttpStatusCode.OK, $"{method} {body}: {(int)status} {answer}");
        Assert.Equal("", (string?)answer["Err"]);
        return answer;
    }

    /// <summary>Makes a call that must be refused.</summary>
    /// <returns>What is said.</returns>
    internal static async Task<string> RefusedAsync(string socket, string method, string body = "{}", string host = "")
    {
        var (status, answer) = await CallAsync(socket, method, body, host);
        Assert.True(status == HttpStatusCode.InternalServerError, $"{method} {body}: {(int)status} {answer}");
        return (string)answer["Err"]!;
    }

    /// <summary>Makes a call.</summary>
    internal static async Task<(HttpStatusCode Status, JsonNode Answer)> CallAsync(string socket, string method, string body, string host = "")
    {
        var (status, text) = await SendAsync(socket, $"POST /{method} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body) + 1}\r\nConnection: close\r\n\r\n{body}\n");
        return (status, JsonNode.Parse(text)!);
    }

    /// <summary>Sends a whole request, and answers the status and the body.</summary>
    internal static async Task<(HttpStatusCode Status, string Body)> SendAsync(string socket, string request)
    {
        var answer = await AnswerAsync(socket, request);
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return ((HttpStatusCode)int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture), answer[(end + 4)..]);
    }

    /// <summary>Sends a whole request, and answers all that comes until the connection ends: nothing when it is broken.</summary>
    internal static async Task<string> AnswerAsync(string socket, string request)
    {
        using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket));
        await connection.SendAsync(Encoding.UTF8.GetBytes(request));
        await using var stream = new NetworkStream(connection);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        try
        {
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
