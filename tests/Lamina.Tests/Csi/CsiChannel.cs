using System.Net.Sockets;
using Grpc.Net.Client;

namespace Lamina.Tests.Csi;

/// <summary>Connections to a CSI socket, as the kubelet and the sidecars make them.</summary>
internal static class CsiChannel
{
    /// <summary>A channel that connects with its first call.</summary>
    internal static GrpcChannel To(string socket)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = async (_, cancellationToken) => await OpenAsync(socket, cancellationToken) };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private static async Task<Stream> OpenAsync(string path, CancellationToken cancellationToken)
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
