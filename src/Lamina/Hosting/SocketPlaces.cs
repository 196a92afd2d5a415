using System.Net.Sockets;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Hosting;

/// <summary>
/// The places of our sockets, from the look at what lies there until we listen. Takes the place of a socket that a dead daemon left, and never
/// that of one which a live daemon listens on: meanwhile the directories are locked, so that of two daemons that start at once none takes what
/// the other has just made for a leftover.
/// </summary>
internal sealed class SocketPlaces : IDisposable
{
    private readonly List<(SafeFileHandle Handle, FileLock? Lock)> _directories = [];

    private SocketPlaces()
    {
    }

    /// <summary>Makes room for sockets.</summary>
    /// <exception cref="IOException">A daemon listens there or is about to, or something else lies there; the message says which.</exception>
    internal static SocketPlaces Take(params IReadOnlyList<string> paths)
    {
        var places = new SocketPlaces();
        try
        {
            foreach (var directory in paths.Select(path => Path.GetDirectoryName(path)!).Distinct())
                places.Lock(directory);
            foreach (var path in paths)
                MakeRoom(path);
            return places;
        }
        catch
        {
            places.Dispose();
            throw;
        }
    }

    /// <summary>A socket that only root may connect to, from its first moment on.</summary>
    internal static Socket Bind(UnixDomainSocketEndPoint endpoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // The file gets the mode that the socket has when it is bound; changed afterwards, it would be open to others for a moment.
            using (var handle = new SafeFileHandle(socket.Handle, ownsHandle: false))
                Files.ChangeMode(handle, 0x180 /* 0600 */);
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Lets others look, once we listen.</summary>
    public void Dispose()
    {
        foreach (var (handle, @lock) in _directories)
        {
            // By word, as the runtime directory's is.
            @lock?.Dispose();
            handle.Dispose();
        }
        _directories.Clear();
    }

    private void Lock(string directory)
    {
        Files.MakeDirectories(directory, 0x1ed /* 0755 */);
        var handle = Files.OpenDirectory(directory);
        // By another name, as /var/run and /run, it may be one that we have locked already.
        if (_directories.Exists(known => Files.Stat(known.Handle).IsSameFile(Files.Stat(handle))))
        {
            handle.Dispose();
            return;
        }
        var @lock = Files.TryLock(handle);
        _directories.Add((handle, @lock));
        if (@lock is null)
            throw new IOException($"another daemon is making its sockets in {directory} at this moment; one daemon has one socket, see the other's log");
    }

    private static void MakeRoom(string path)
    {
        if (Files.TryStat(path) is not { } there)
            return;
        if (there.Kind != FileKind.Socket)
            throw new IOException($"{path} is not a socket; it stays. Choose another place for the socket");
        if (IsAlive(path))
            throw new IOException($"another daemon listens on {path}; stop it first, or choose another socket");
        File.Delete(path);
    }

    private static bool IsAlive(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            // Whatever else than a refusal it answers, such as that it is a socket of another type: somebody is there.
            return e.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }
}
