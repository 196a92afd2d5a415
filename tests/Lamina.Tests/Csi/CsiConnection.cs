using Grpc.Net.Client;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>A client's own connection to a CSI socket.</summary>
internal sealed class CsiConnection : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <param name="socket">Where the daemon listens.</param>
    internal CsiConnection(string socket)
    {
        _channel = UnixChannel.To(socket);
        Identity = new(_channel);
        Controller = new(_channel);
        Node = new(_channel);
    }

    internal Wire.Identity.IdentityClient Identity { get; }

    internal Wire.Controller.ControllerClient Controller { get; }

    internal Wire.Node.NodeClient Node { get; }

    public void Dispose() => _channel.Dispose();
}
