using System.Net.Sockets;
using Grpc.Net.Client;

namespace Lamina.Cli;

/// <summary>A connection to the daemon's admin socket, made with the first call.</summary>
internal sealed class DaemonConnection : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <param name="socket">Where the daemon listens.</param>
    internal DaemonConnection(string socket)
    {
        Socket = socket;
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, cancellationToken) => ConnectAsync(cancellationToken) };
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        Pools = new V1.Pools.PoolsClient(_channel);
        Volumes = new V1.Volumes.VolumesClient(_channel);
        Snapshots = new V1.Snapshots.SnapshotsClient(_channel);
        SnapshotGroups = new V1.SnapshotGroups.SnapshotGroupsClient(_channel);
        Tree = new V1.Tree.TreeClient(_channel);
        Calls = new V1.Calls.CallsClient(_channel);
        Doctor = new V1.Doctor.DoctorClient(_channel);
    }

    /// <summary>Where the daemon should be.</summary>
    internal string Socket { get; }

    /// <summary>Why it couldn't be reached; null when it could, or nothing was asked yet.</summary>
    internal SocketException? ConnectError { get; private set; }

    internal V1.Pools.PoolsClient Pools { get; }

    internal V1.Volumes.VolumesClient Volumes { get; }

    internal V1.Snapshots.SnapshotsClient Snapshots { get; }

    internal V1.SnapshotGroups.SnapshotGroupsClient SnapshotGroups { get; }

    internal V1.Tree.TreeClient Tree { get; }

    internal V1.Calls.CallsClient Calls { get; }

    internal V1.Doctor.DoctorClient Doctor { get; }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            ConnectError = e;
            throw;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
