using System.Net.Sockets;
using Grpc.Net.Client;

namespace Lamina.Tests;

/// <summary>A gRPC channel to a unix socket.</summary>
internal static class UnixChannel
{
    /// <summary>Makes one, which connects with its first call.</summary>
    internal static GrpcChannel To(string socket)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = async (_, cancellationToken) => await ConnectAsync(socket, cancellationToken) };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private static async Task<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
