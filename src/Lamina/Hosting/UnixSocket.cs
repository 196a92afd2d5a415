using System.Net.Sockets;

namespace Lamina.Hosting;

/// <summary>Takes the place of a socket that a dead daemon left, and never that of one which a live daemon listens on.</summary>
internal static class UnixSocket
{
    /// <summary>Makes room for a socket.</summary>
    /// <exception cref="IOException">A daemon listens there, or something else lies there; the message says which.</exception>
    internal static void Prepare(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // Refused: either nobody listens any more, or it is no socket at all.
            if (Linux.Files.TryStat(path) is { Kind: not Linux.FileKind.Socket })
                throw new IOException($"{path} is not a socket; it stays. Choose another place for the socket");
            File.Delete(path);
            return;
        }
        throw new IOException($"another daemon listens on {path}; stop it first, or choose another socket");
    }

    /// <summary>Lets only root in.</summary>
    internal static void Protect(string path) => File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
}
